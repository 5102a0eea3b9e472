import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createToken, deleteToken, tokensQuery, type Token } from "../api/hub";
import { meQuery } from "../api/me";
import { LANGUAGES, setLanguage, t, useLanguage } from "../i18n";
import { dateTime, setZone, zone } from "../i18n/format";
import { setShortcuts, shortcutsOn } from "../shell/shortcuts";
import { airflowSnippet, hubSnippet, mlflowSnippet, s3Snippet, TOKEN } from "../snippets";
import { setTheme, useThemeChoice } from "../theme/theme";
import { Button, CheckBox, Field, Segmented, Snippet } from "../ui/controls";
import { ErrorLine, Loaded } from "../ui/loaded";
import { FormDialog } from "../ui/overlay";
import { Page, Section } from "../ui/page";
import { Table, type Column } from "../ui/table";
import { Ago } from "../ui/time";
import { MadeToken } from "./token";
import "./settings.css";

export function Settings() {
  const { data: me } = useQuery(meQuery);
  const [made, setMade] = useState<Token | null>(null);
  const secret = made?.token ?? TOKEN;
  if (!me) return null;
  return (
    <Page title={t("nav.settings")} narrow facts={[[t("settings.signedInAs"), me.name], [t("settings.version"), me.version]]}>
      <Preferences />
      <Tokens user={me.name} made={made} onMade={setMade} />
      <Section title={t("settings.clients")}>
        <p className="muted">{t(made ? "settings.clientsWithToken" : "settings.clientsHow")}</p>
        <Snippet label="MLflow" code={mlflowSnippet(secret)} />
        <Snippet label="Airflow" code={airflowSnippet(secret)} />
        <Snippet label="JupyterHub" code={hubSnippet(secret)} />
        <Snippet label="S3" code={s3Snippet(made?.s3)} />
      </Section>
    </Page>
  );
}

function Preferences() {
  const language = useLanguage();
  const choice = useThemeChoice();
  const [clock, setClock] = useState(zone());
  const [keys, setKeys] = useState(shortcutsOn());
  return (
    <Section title={t("settings.preferences")}>
      <dl className="preferences">
        <dt>{t("language.title")}</dt>
        <dd><Segmented label={t("language.title")} value={language} options={LANGUAGES.map((code) => [code, t(`language.${code}`)] as const)} onChange={(code) => void setLanguage(code)} /></dd>
        <dt>{t("theme.title")}</dt>
        <dd><Segmented label={t("theme.title")} value={choice} options={[["system", t("theme.system")], ["light", t("theme.light")], ["dark", t("theme.dark")]]} onChange={setTheme} /></dd>
        <dt>{t("settings.zone")}</dt>
        <dd>
          <Segmented label={t("settings.zone")} value={clock} options={[["local", t("settings.local")], ["utc", "UTC"]]} onChange={(next) => {
            setZone(next);
            setClock(next);
          }} />
        </dd>
        <dt>{t("keys.title")}</dt>
        <dd>
          <CheckBox label={t("settings.keysOn")} checked={keys} onChange={(on) => {
            setShortcuts(on);
            setKeys(on);
          }} />
        </dd>
      </dl>
    </Section>
  );
}

const DAY = 86_400;
const LIVES: readonly (readonly [string, number | null])[] = [["day", DAY], ["month", 30 * DAY], ["year", 365 * DAY], ["never", null]];

function Tokens({ user, made, onMade }: { user: string; made: Token | null; onMade: (token: Token) => void }) {
  const client = useQueryClient();
  const tokens = useQuery(tokensQuery(user));
  const [adding, setAdding] = useState(false);
  const refetch = (): Promise<void> => client.invalidateQueries({ queryKey: ["tokens", user] });
  const revoke = useMutation({ mutationFn: (id: string) => deleteToken(user, id), onSettled: refetch });
  const columns: Column<Token>[] = [
    { key: "note", title: t("tokens.note"), className: "name", cell: (token) => token.note || token.oauth_client || "–" },
    { key: "created", title: t("column.created"), cell: (token) => <Ago time={token.created} /> },
    { key: "used", title: t("tokens.used"), cell: (token) => <Ago time={token.last_activity} /> },
    { key: "expires", title: t("tokens.expires"), className: "num", cell: (token) => token.expires_at ? dateTime(token.expires_at) : t("tokens.never") },
    {
      key: "revoke", title: <span className="visually-hidden">{t("column.actions")}</span>, className: "actions",
      cell: (token) => <Button variant="danger" disabled={revoke.isPending} onClick={() => revoke.mutate(token.id)}>{t("tokens.revoke")}</Button>,
    },
  ];
  return (
    <Section title={t("settings.tokens")} actions={<Button icon="key" onClick={() => setAdding(true)}>{t("settings.createToken")}</Button>}>
      {made && <MadeToken token={made} />}
      <ErrorLine error={revoke.error} />
      <Loaded query={tokens} what={t("error.tokens")} rows={3}>
        {(found) => found.length === 0 ? <p className="muted">{t("tokens.empty")}</p>
          : <Table label={t("settings.tokens")} columns={columns} rows={found} rowKey={(token) => token.id} />}
      </Loaded>
      <CreateToken user={user} open={adding} onClose={() => setAdding(false)} onMade={async (token) => {
        onMade(token);
        await refetch();
      }} />
    </Section>
  );
}

function CreateToken({ user, open, onClose, onMade }: { user: string; open: boolean; onClose: () => void; onMade: (token: Token) => Promise<void> }) {
  const [note, setNote] = useState("");
  const [life, setLife] = useState("month");
  const close = (): void => {
    setNote("");
    onClose();
  };
  const words: Record<string, string> = { day: t("tokens.day"), month: t("tokens.month"), year: t("tokens.year"), never: t("tokens.never") };
  return (
    <FormDialog title={t("settings.createToken")} open={open} onClose={close} submitLabel={t("action.create")} ready={note.trim() !== ""}
      submit={async () => {
        const token = await createToken(user, note.trim(), LIVES.find(([name]) => name === life)?.[1] ?? null);
        await onMade(token);
      }}>
      <Field label={t("tokens.note")} hint={t("tokens.noteHint")}>
        {(attributes) => <input {...attributes} className="input" value={note} autoComplete="off" onChange={(event) => setNote(event.target.value)} />}
      </Field>
      <Field label={t("tokens.expires")}>
        {(attributes) => (
          <select {...attributes} className="input" value={life} onChange={(event) => setLife(event.target.value)}>
            {LIVES.map(([name]) => <option key={name} value={name}>{words[name]}</option>)}
          </select>
        )}
      </Field>
    </FormDialog>
  );
}
