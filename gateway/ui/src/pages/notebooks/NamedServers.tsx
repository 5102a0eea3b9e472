/** Servers beside the default one, each with a name: they are added, used and deleted here. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { createServer, deleteServer, namedServers, profilesQuery, spawnUrl, type Server, type User } from "../../api/hub";
import { t } from "../../i18n";
import { Button, Field, IconButton } from "../../ui/controls";
import { ConfirmName, FormDialog } from "../../ui/overlay";
import { Section } from "../../ui/page";
import { LONGEST, nameProblem, type NameProblem } from "./names";
import { ServerCard } from "./ServerCard";

export function NamedServers({ user }: { user: User }) {
  const client = useQueryClient();
  const servers = namedServers(user);
  const [adding, setAdding] = useState(false);
  /** The server that was added just now and shall be started. */
  const [fresh, setFresh] = useState("");
  const [removing, setRemoving] = useState("");
  const add = useRef<HTMLButtonElement>(null);
  /** The button that asked for the removal is gone with its server. */
  const gone = useRef(false);
  const refetch = (): Promise<void> => client.invalidateQueries({ queryKey: ["user", user.name] });
  return (
    <Section title={t("notebooks.named")} count={servers.length || undefined}
      actions={<Button ref={add} icon="plus" onClick={() => setAdding(true)}>{t("notebooks.add")}</Button>}>
      {servers.length === 0 && <p className="muted">{t("notebooks.namedAbout")}</p>}
      {servers.length > 0 && (
        <ul className="panel servers">
          {servers.map((server) => (
            <li key={server.name}>
              <ServerCard user={user} name={server.name} label={called(server)} heading={<Heading server={server} />}
                startNow={server.name === fresh} onStart={() => setFresh("")}
                more={server.stopped && <IconButton icon="trash" label={t("notebooks.delete", { name: server.name })} onClick={() => setRemoving(server.name)} />} />
            </li>
          ))}
        </ul>
      )}
      <AddServer user={user} taken={servers.map((server) => server.name)} open={adding} onClose={() => setAdding(false)}
        onMade={refetch} onStart={setFresh} />
      <ConfirmName title={t("notebooks.delete", { name: removing })} name={removing} text={t("notebooks.deleteText", { name: removing })}
        open={servers.some((server) => server.name === removing && server.stopped)} onClose={() => setRemoving("")} submitLabel={t("action.delete")}
        submit={async () => {
          await deleteServer(user.name, removing);
          gone.current = true;
          await refetch();
        }}
        finalFocus={() => {
          const next = gone.current ? add.current : true;
          gone.current = false;
          return next;
        }} />
    </Section>
  );
}

/** What people call it. */
const called = (server: Server): string => server.display_name || server.name;

function Heading({ server }: { server: Server }) {
  return (
    <>
      <h3 className="wrap-anywhere">{called(server)}</h3>
      {called(server) !== server.name && <code className="muted wrap-anywhere">{server.name}</code>}
    </>
  );
}

function AddServer({ user, taken, open, onClose, onMade, onStart }: {
  user: User; taken: readonly string[]; open: boolean; onClose: () => void; onMade: () => Promise<void>; onStart: (name: string) => void;
}) {
  const [typed, setTyped] = useState("");
  const { data: profiles } = useQuery(profilesQuery);
  const choice = (profiles?.length ?? 0) > 0;
  const name = typed.trim();
  const problem = nameProblem(name, taken);
  const close = (): void => {
    setTyped("");
    onClose();
  };
  return (
    <FormDialog title={t("notebooks.add")} open={open} onClose={close} submitLabel={t(choice ? "notebooks.addChoose" : "notebooks.addStart")}
      ready={name !== "" && problem === undefined}
      submit={async () => {
        await createServer(user.name, name);
        await onMade();
      }}
      onDone={() => {
        if (choice) window.location.assign(spawnUrl(user.name, name));
        else onStart(name);
      }}>
      <Field label={t("notebooks.name")} hint={t("notebooks.nameHint")} error={problem && explain(problem)}>
        {(attributes) => (
          <input {...attributes} className="input" name="server-name" value={typed} autoComplete="off" autoCapitalize="none" spellCheck={false}
            aria-invalid={problem !== undefined} onChange={(event) => setTyped(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}

function explain(problem: NameProblem): string {
  if (problem === "begin") return t("notebooks.nameBegin");
  if (problem === "letters") return t("notebooks.nameLetters");
  if (problem === "long") return t("notebooks.nameLong", { count: LONGEST });
  return t("notebooks.nameTaken");
}
