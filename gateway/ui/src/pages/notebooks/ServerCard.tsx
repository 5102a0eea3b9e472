/** One notebook server: its state, what can be done with it, its start as it goes on and why it failed. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { notebookUrl, profilesQuery, serverState, spawnUrl, type Server, type User } from "../../api/hub";
import type { Progress } from "../../api/progress";
import { t } from "../../i18n";
import { Button } from "../../ui/controls";
import { ErrorLine } from "../../ui/loaded";
import { State } from "../../ui/status";
import { Ago } from "../../ui/time";
import { useServer } from "./useServer";
import "./notebooks.css";

export function ServerCard({ user, name, label, heading, about, more, startNow = false, onStart }: {
  user: User;
  /** The default server's is empty. */
  name: string;
  label: string;
  heading?: ReactNode;
  /** Shown while the server does not run. */
  about?: string;
  /** Further actions on a server that does not run. */
  more?: ReactNode;
  /** Starts it as soon as it is shown, once: `onStart` takes the wish away. */
  startNow?: boolean;
  onStart?: () => void;
}) {
  const { server, steps, starting, start, stop } = useServer(user, name);
  const { data: profiles } = useQuery(profilesQuery);
  const [seen, setSeen] = useState("");
  const begin = (): void => {
    stop.reset();
    start.mutate();
  };
  useEffect(() => {
    if (!startNow) return;
    begin();
    onStart?.();
  }, [startNow]);
  // The hub keeps why the last start failed until the next one; here it stays until it is dismissed.
  const failed = !starting && server?.failure && server.failure !== seen ? server.failure : "";
  const idle = !starting && (server?.stopped ?? true);
  const choice = (profiles?.length ?? 0) > 0;
  return (
    <div className="server stack" aria-label={label} role="group">
      <div className="row wrap">
        {heading}
        <State state={starting && !server?.ready ? "server.spawn" : serverState(server)} />
        <Times server={server} named={name !== ""} />
        <span className="end row wrap">
          {server?.ready && <a className="button primary" href={notebookUrl(user.name, name)} target="_blank" rel="noreferrer">{t("notebooks.open")}</a>}
          {idle && choice && <a className="button" href={spawnUrl(user.name, name)}>{t("notebooks.choose")}</a>}
          {server?.ready || server?.pending === "spawn"
            ? <Button icon="stop" disabled={stop.isPending} onClick={() => { start.reset(); stop.mutate(); }}>{t("notebooks.stop")}</Button>
            : <Button variant={name === "" ? "primary" : "plain"} icon="play" disabled={starting || stop.isPending || server?.pending === "stop"} onClick={begin}>{t("notebooks.start")}</Button>}
          {idle && more}
        </span>
      </div>
      {about && idle && steps.length === 0 && <p className="muted">{about}</p>}
      <ErrorLine error={failed ? stop.error : start.error ?? stop.error} />
      {failed && <Failure reason={failed} log={server?.log_tail ?? ""} onDismiss={() => { setSeen(failed); start.reset(); }} />}
      {starting && <Steps steps={steps} />}
    </div>
  );
}

function Times({ server, named }: { server: Server | undefined; named: boolean }) {
  const shown = [
    server?.ready && <span key="started">{t("notebooks.started")} <Ago time={server.started} /></span>,
    (server?.ready || (named && server?.last_activity)) && <span key="active">{t("notebooks.active")} <Ago time={server?.last_activity} /></span>,
  ].filter(Boolean);
  if (shown.length === 0) return null;
  return <span className="small muted">{shown.flatMap((one, index) => index > 0 ? [" · ", one] : [one])}</span>;
}

function Steps({ steps }: { steps: readonly Progress[] }) {
  const last = steps.at(-1);
  if (!last || last.ready || last.failed) return null;
  return (
    <>
      <div className="progress" role="progressbar" aria-label={t("notebooks.progress")} aria-valuenow={last.progress} aria-valuemin={0} aria-valuemax={100}>
        <div style={{ width: `${last.progress}%` }} />
      </div>
      <ol className="stack tight" aria-live="polite">
        {steps.map((step) => <li key={step.message} className="small muted">{step.message}</li>)}
      </ol>
    </>
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
