import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { logQuery, taskInstancesQuery, triesQuery, type TaskInstance } from "../../api/scheduler";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { keysAreTaken, shortcutsOn } from "../../shell/shortcuts";
import { Segmented } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { Section } from "../../ui/page";
import { State } from "../../ui/status";
import { Elapsed } from "../../ui/time";
import { instanceName } from "./instances";
import { LogView } from "./LogView";

const route = getRouteApi("/app/p/$project/pipelines/$dag/runs/$dagRun/tasks/$task");
/** How often a running task's log is read on; its state comes by event. */
const FOLLOW_MS = 1500;

export function TaskLog() {
  const { dag, dagRun, task } = route.useParams();
  const { map = -1, attempt } = route.useSearch();
  const instances = useQuery(taskInstancesQuery(dag, dagRun));
  return (
    <Loaded query={instances} what={t("error.tasks")}>
      {(found) => {
        const own = found.filter((one) => one.task_id === task);
        // A link to a mapped task without a number opens its first instance.
        const instance = own.find((one) => one.map_index === map) ?? own.toSorted((a, b) => a.map_index - b.map_index)[0];
        if (!instance) return <p className="muted">{t("dagRun.noSuchTask", { task })}</p>;
        return <Attempts key={`${task} ${instance.map_index}`} instance={instance} chosen={attempt} />;
      }}
    </Loaded>
  );
}

function Attempts({ instance, chosen }: { instance: TaskInstance; chosen: number | undefined }) {
  const project = useProject();
  const navigate = useNavigate();
  const last = Math.max(instance.try_number, 0);
  const attempt = Math.min(chosen ?? last, last);
  const show = (next: number): void => {
    if (next < 1 || next > last) return;
    void navigate({
      to: "/p/$project/pipelines/$dag/runs/$dagRun/tasks/$task", replace: true,
      params: { project, dag: instance.dag_id, dagRun: instance.dag_run_id, task: instance.task_id },
      search: { ...(instance.map_index >= 0 ? { map: instance.map_index } : {}), ...(next === last ? {} : { attempt: next }) },
    });
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!shortcutsOn() || keysAreTaken(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.code === "BracketLeft") show(attempt - 1);
      if (event.code === "BracketRight") show(attempt + 1);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  const earlier = attempt > 0 && attempt < last;
  const tries = useQuery({ ...triesQuery(instance.dag_id, instance.dag_run_id, instance.task_id, instance.map_index), enabled: earlier });
  const shown = (earlier ? tries.data?.find((one) => one.try_number === attempt) : undefined) ?? instance;
  const running = instance.state === "running" && attempt === last;
  const log = useQuery({
    ...logQuery({ dag: instance.dag_id, run: instance.dag_run_id, task: instance.task_id, attempt, map: instance.map_index }),
    enabled: attempt > 0, refetchInterval: running ? FOLLOW_MS : false,
  });
  return (
    <Section title={instanceName(instance)} actions={last > 1 && (
      <Segmented label={t("dagRun.tries")} value={String(attempt)} onChange={(value) => show(Number(value))}
        options={Array.from({ length: last }, (_, index) => [String(index + 1), t("dagRun.tryN", { n: index + 1 })] as const)} />
    )}>
      <div className="row wrap loose small">
        <State state={shown.state} />
        <span className="muted">{instance.operator_name ?? instance.operator}</span>
        <Elapsed start={shown.start_date} end={shown.end_date} />
        {shown.hostname && <code className="muted">{shown.hostname}</code>}
      </div>
      {attempt === 0 ? <p className="muted">{t("log.notStarted")}</p> : (
        <Loaded query={log} what={t("error.log")} rows={10}>
          {({ lines }) => <LogView lines={lines} following={running} name={`${instance.dag_id}-${instance.dag_run_id}-${instance.task_id}-${attempt}.log`} />}
        </Loaded>
      )}
    </Section>
  );
}
