import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { setPaused, triggerDag, type Dag } from "../../api/scheduler";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { Button, Field, Switch } from "../../ui/controls";
import { ErrorLine } from "../../ui/loaded";
import { FormDialog } from "../../ui/overlay";
import { parseConf } from "./conf";

export function PauseSwitch({ dag }: { dag: Dag }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (paused: boolean) => setPaused(dag.dag_id, paused),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["dags"] }), client.invalidateQueries({ queryKey: ["dag", dag.dag_id] })]),
  });
  const paused = change.isPending ? change.variables : dag.is_paused;
  return (
    <>
      <Switch on={!paused} disabled={change.isPending} label={t(paused ? "dags.unpause" : "dags.pause", { dag: dag.dag_id })} onChange={(on) => change.mutate(!on)} />
      <ErrorLine error={change.error} />
    </>
  );
}

export function TriggerButton({ dag, paused, small = false }: { dag: string; paused: boolean; small?: boolean }) {
  const project = useProject();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("{}");
  const parsed = parseConf(text);
  const submit = async (): Promise<void> => {
    if (!("conf" in parsed)) return;
    const run = await triggerDag(dag, parsed.conf);
    await client.invalidateQueries({ queryKey: ["dag-runs"] });
    if (!small) await navigate({ to: "/p/$project/pipelines/$dag/runs/$dagRun", params: { project, dag, dagRun: run.dag_run_id } });
  };
  return (
    <>
      <Button icon="play" variant={small ? "plain" : "primary"} aria-label={t("dags.triggerThis", { dag })} onClick={() => setOpen(true)}>{t("dags.trigger")}</Button>
      <FormDialog title={t("dags.triggerThis", { dag })} open={open} onClose={() => setOpen(false)} submit={submit}
        submitLabel={t("dags.trigger")} ready={"conf" in parsed}>
        {paused && <p className="muted">{t("dags.triggerPaused")}</p>}
        <Field label={t("dags.conf")} hint={t("dags.confHint")} error={"error" in parsed ? t("dags.confInvalid", { why: parsed.error }) : undefined}>
          {(attributes) => <textarea {...attributes} className="input" value={text} spellCheck={false} onChange={(event) => setText(event.target.value)} />}
        </Field>
      </FormDialog>
    </>
  );
}
