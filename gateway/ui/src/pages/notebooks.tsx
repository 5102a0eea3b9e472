import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { defaultServer, followProgress, notebookUrl, profilesQuery, spawnUrl, startServer, stopServer, userQuery, usersQuery, type Progress, type Server, type User } from "../api/hub";
import { meQuery } from "../api/me";
import { environmentsQuery } from "../api/serving";
import { t } from "../i18n";
import { dateTime } from "../i18n/format";
import { Button } from "../ui/controls";
import { ErrorLine, Loaded } from "../ui/loaded";
import { Page, Section } from "../ui/page";
import { State } from "../ui/status";
import { Table, type Column } from "../ui/table";
import { Ago } from "../ui/time";

export function Notebooks() {
  const { data: me } = useQuery(meQuery);
  const name = me?.name ?? "";
  const user = useQuery({ ...userQuery(name), enabled: name !== "" });
  return (
    <Page title={t("nav.notebooks")} narrow>
      <Loaded query={user} what={t("error.server")} rows={3}>{(found) => <MyServer user={found} />}</Loaded>
      <Environments />
      {me?.admin && <Everybody me={name} />}
    </Page>
  );
}

export function serverState(server: Server | undefined): string {
  if (server?.pending) return `server.${server.pending}`;
  return server?.ready ? "server.ready" : "server.stopped";
}

/** The steps of a start, for as long as one is under way. */
function useStart(user: User): { steps: Progress[]; start: () => void; starting: boolean; error: Error | null } {
  const client = useQueryClient();
  const [steps, setSteps] = useState<Progress[]>([]);
  const pending = defaultServer(user)?.pending === "spawn";
  const refetch = useCallback(() => client.invalidateQueries({ queryKey: ["user", user.name] }), [client, user.name]);
  const request = useMutation({ mutationFn: () => startServer(user.name), onSettled: refetch });
  // The request answers only when the server runs; that the start has begun is seen in the user.
  useQuery({ ...userQuery(user.name), refetchInterval: request.isPending && !pending ? 500 : false });
  useEffect(() => {
    if (!pending) return;
    return followProgress(user.name, (step) => {
      setSteps((before) => [...before.filter((known) => known.message !== step.message), step]);
      if (step.ready || step.failed) void refetch();
    });
  }, [pending, user.name, refetch]);
  return {
    steps, error: request.error, starting: request.isPending || pending,
    start: () => {
      setSteps([]);
      request.mutate();
    },
  };
}

function MyServer({ user }: { user: User }) {
  const client = useQueryClient();
  const server = defaultServer(user);
  const { steps, start, starting, error } = useStart(user);
  const { data: profiles } = useQuery(profilesQuery);
  const choice = (profiles?.length ?? 0) > 0;
  const stop = useMutation({ mutationFn: () => stopServer(user.name), onSettled: () => client.invalidateQueries({ queryKey: ["user", user.name] }) });
  const last = steps.at(-1);
  const [seen, setSeen] = useState("");
  // The hub keeps why the last start failed until the next one; here it stays until it is dismissed.
  const failed = !starting && server?.failure && server.failure !== seen ? server.failure : "";
  return (
    <Section title={t("notebooks.mine")}>
      <div className="panel padded stack" aria-label={t("notebooks.mine")} role="group">
        <div className="row wrap">
          <State state={starting && !server?.ready ? "server.spawn" : serverState(server)} />
          {server?.ready && (
            <span className="small muted">
              {t("notebooks.started")} <Ago time={server.started} /> · {t("notebooks.active")} <Ago time={server.last_activity} />
            </span>
          )}
          <span className="end row">
            {server?.ready && <a className="button primary" href={notebookUrl(user.name)} target="_blank" rel="noreferrer">{t("notebooks.open")}</a>}
            {!server?.ready && choice && !starting && <a className="button" href={spawnUrl(user.name)}>{t("notebooks.choose")}</a>}
            {server?.ready
              ? <Button icon="stop" disabled={stop.isPending} onClick={() => stop.mutate()}>{t("notebooks.stop")}</Button>
              : <Button variant="primary" icon="play" disabled={starting || stop.isPending} onClick={start}>{t("notebooks.start")}</Button>}
          </span>
        </div>
        {!server?.ready && !starting && steps.length === 0 && <p className="muted">{t("notebooks.about")}</p>}
        <ErrorLine error={failed ? stop.error : error ?? stop.error} />
        {failed && <Failure reason={failed} log={server?.log_tail ?? ""} onDismiss={() => setSeen(failed)} />}
        {starting && last && !last.ready && !last.failed && (
          <>
            <div className="progress" role="progressbar" aria-label={t("notebooks.progress")} aria-valuenow={last.progress} aria-valuemin={0} aria-valuemax={100}>
              <div style={{ width: `${last.progress}%` }} />
            </div>
            <ol className="stack tight" aria-live="polite">
              {steps.map((step) => <li key={step.message} className="small muted">{step.message}</li>)}
            </ol>
          </>
        )}
      </div>
    </Section>
  );
}

function Failure({ reason, log, onDismiss }: { reason: string; log: string; onDismiss: () => void }) {
  return (
    <div className="error-box" role="alert">
      <h3>{t("notebooks.failed")}</h3>
      <p className="why">{reason}</p>
      {log && <pre className="server-log" tabIndex={0} role="region" aria-label={t("log.title")}>{log}</pre>}
      <Button onClick={onDismiss}>{t("action.dismiss")}</Button>
    </div>
  );
}

/** Python environments under construction: what a first start waits for. */
function Environments() {
  const { data } = useQuery(environmentsQuery);
  const building = (data ?? []).filter((environment) => environment.state !== "ready");
  if (building.length === 0) return null;
  return (
    <Section title={t("environments.title")} count={building.length}>
      <ul className="panel">
        {building.map((environment) => (
          <li key={environment.name} className="padded row wrap" style={{ padding: "8px 12px" }}>
            <State state={environment.state} /><b className="mono">{environment.name}</b>
            <span className="small muted wrap-anywhere">{environment.message}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** For admins: who runs what, with a stop for each. */
function Everybody({ me }: { me: string }) {
  const client = useQueryClient();
  const users = useQuery(usersQuery);
  const stop = useMutation({ mutationFn: stopServer, onSettled: () => client.invalidateQueries({ queryKey: ["users"] }) });
  const columns: Column<User>[] = [
    { key: "name", title: t("users.name"), className: "name", cell: (user) => user.name },
    { key: "state", title: t("column.state"), cell: (user) => <State state={serverState(defaultServer(user))} /> },
    { key: "started", title: t("notebooks.started"), cell: (user) => <span title={dateTime(defaultServer(user)?.started)}><Ago time={defaultServer(user)?.started} /></span> },
    { key: "active", title: t("notebooks.active"), cell: (user) => <Ago time={defaultServer(user)?.last_activity ?? user.last_activity} /> },
    {
      key: "stop", title: <span className="visually-hidden">{t("column.actions")}</span>, className: "actions",
      cell: (user) => defaultServer(user)?.ready
        ? <Button icon="stop" disabled={stop.isPending} onClick={() => stop.mutate(user.name)}>{t("notebooks.stop")}</Button> : null,
    },
  ];
  return (
    <Loaded query={users} what={t("error.users")}>
      {(found) => {
        const others = found.filter((user) => user.name !== me && Object.keys(user.servers ?? {}).length > 0);
        if (others.length === 0) return null;
        return (
          <Section title={t("notebooks.everybody")} count={others.length}>
            <ErrorLine error={stop.error} />
            <Table label={t("notebooks.everybody")} columns={columns} rows={others} rowKey={(user) => user.name} />
          </Section>
        );
      }}
    </Loaded>
  );
}
