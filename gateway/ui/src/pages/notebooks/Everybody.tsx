/** For admins: which servers of others run, with the way into each and a stop. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { activeServers, activeUsersQuery, fullName, mayOver, notebookUrl, serverState, stopServer, type Owned } from "../../api/hub";
import type { Me } from "../../api/me";
import { t } from "../../i18n";
import { dateTime } from "../../i18n/format";
import { Button } from "../../ui/controls";
import { ErrorLine, Loaded } from "../../ui/loaded";
import { Section } from "../../ui/page";
import { State } from "../../ui/status";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";

const nameOf = ({ user, server }: Owned): string => fullName(user.name, server.name);

export function Everybody({ me }: { me: Me }) {
  const users = useQuery(activeUsersQuery);
  const [error, setError] = useState<Error | null>(null);
  const columns: Column<Owned>[] = [
    { key: "user", title: t("users.name"), className: "name", cell: ({ user }) => user.name },
    { key: "server", title: t("notebooks.server"), cell: ({ server }) => server.name || <span className="muted">{t("notebooks.default")}</span> },
    { key: "state", title: t("column.state"), cell: ({ server }) => <State state={serverState(server)} /> },
    { key: "started", title: t("notebooks.started"), cell: ({ server }) => <span title={dateTime(server.started)}><Ago time={server.started} /></span> },
    { key: "active", title: t("notebooks.active"), cell: ({ user, server }) => <Ago time={server.last_activity ?? user.last_activity} /> },
    {
      key: "actions", title: <span className="visually-hidden">{t("column.actions")}</span>, className: "actions",
      cell: (owned) => <Actions owned={owned} me={me} onError={setError} />,
    },
  ];
  return (
    <Loaded query={users} what={t("error.users")}>
      {(found) => {
        const servers = activeServers(found.filter((user) => user.name !== me.name));
        if (servers.length === 0) return null;
        return (
          <Section title={t("notebooks.everybody")} count={servers.length}>
            <ErrorLine error={error} />
            <Table label={t("notebooks.everybody")} columns={columns} rows={servers} rowKey={(owned) => `${owned.user.name}/${owned.server.name}`} />
          </Section>
        );
      }}
    </Loaded>
  );
}

function Actions({ owned, me, onError }: { owned: Owned; me: Me; onError: (error: Error | null) => void }) {
  const client = useQueryClient();
  const { user, server } = owned;
  const stop = useMutation({
    mutationFn: () => stopServer(user.name, server.name),
    onMutate: () => onError(null), onError,
    onSettled: () => client.invalidateQueries({ queryKey: ["users"] }),
  });
  const name = nameOf(owned);
  return (
    <span className="row">
      {server.ready && mayOver(me.scopes, "access:servers", owned) && (
        <a className="button" href={notebookUrl(user.name, server.name)} target="_blank" rel="noreferrer" aria-label={t("notebooks.openThis", { name })}>{t("notebooks.openIt")}</a>
      )}
      {server.pending !== "stop" && mayOver(me.scopes, "delete:servers", owned) && (
        <Button icon="stop" disabled={stop.isPending} aria-label={t("notebooks.stopThis", { name })} onClick={() => stop.mutate()}>{t("notebooks.stop")}</Button>
      )}
    </span>
  );
}
