/** Tasks by runs: what happened when, at one look. Bars above the columns are how long each run took. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { dagRunsQuery, taskInstancesQuery, tasksQuery, type DagRun, type TaskInstance } from "../../api/scheduler";
import { topological } from "../../dag/order";
import { t } from "../../i18n";
import { dateTime, duration, elapsed } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Loaded } from "../../ui/loaded";
import { stateWord, StateShape, tone } from "../../ui/status";
import { worst } from "./instances";

const route = getRouteApi("/app/p/$project/pipelines/$dag");
const RUNS = 25;

export function GridView() {
  const { dag } = route.useParams();
  const tasks = useQuery(tasksQuery(dag));
  const runs = useQuery(dagRunsQuery(dag, RUNS));
  const shown = (runs.data ?? []).toReversed();
  const instances = useQueries({ queries: shown.map((run) => taskInstancesQuery(dag, run.dag_run_id)) }).map((result) => result.data ?? []);
  const longest = Math.max(1, ...shown.map((run) => elapsed(run.start_date, run.end_date) ?? 0));
  return (
    <Loaded query={runs} what={t("error.dagRuns")}>
      {() => (
        <Loaded query={tasks} what={t("error.tasks")}>
          {(list) => (
            <div className="panel table-scroll" tabIndex={0} role="region" aria-label={t("dags.grid")}>
              {shown.length === 0 && <p className="muted" style={{ padding: 16 }}>{t("dags.noRuns")}</p>}
              <table className="task-grid" aria-label={t("dags.grid")}>
                <thead>
                  <tr>
                    <th scope="col">{t("dags.task")}</th>
                    {shown.map((run) => <RunHead key={run.dag_run_id} dag={dag} run={run} longest={longest} />)}
                    <th aria-hidden="true" className="rest" />
                  </tr>
                </thead>
                <tbody>
                  {topological(list).map((task) => (
                    <tr key={task.task_id}>
                      <th scope="row"><span className="truncate" title={task.operator_name ?? undefined}>{task.task_display_name || task.task_id}{task.is_mapped ? " [ ]" : ""}</span></th>
                      {shown.map((run, index) => (
                        <Cell key={run.dag_run_id} dag={dag} run={run} task={task.task_id}
                          instances={(instances[index] ?? []).filter((one) => one.task_id === task.task_id)} />
                      ))}
                      <td aria-hidden="true" />
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Loaded>
      )}
    </Loaded>
  );
}

function RunHead({ dag, run, longest }: { dag: string; run: DagRun; longest: number }) {
  const project = useProject();
  const took = elapsed(run.start_date, run.end_date);
  const words = `${run.dag_run_id} · ${stateWord(run.state)} · ${dateTime(run.start_date ?? run.run_after)} · ${duration(took)}`;
  return (
    <th scope="col">
      <Link className={`run-bar tone-${tone(run.state)}`} title={words} aria-label={words}
        to="/p/$project/pipelines/$dag/runs/$dagRun" params={{ project, dag, dagRun: run.dag_run_id }}>
        <i style={{ height: `${Math.max(8, ((took ?? 0) / longest) * 100)}%` }} />
      </Link>
    </th>
  );
}

function Cell({ dag, run, task, instances }: { dag: string; run: DagRun; task: string; instances: readonly TaskInstance[] }) {
  const project = useProject();
  if (instances.length === 0) return <td />;
  const state = worst(instances);
  const words = `${task} · ${stateWord(state)}${instances.length > 1 ? ` · ×${instances.length}` : ""}`;
  return (
    <td>
      <Link className={`mark tone-${tone(state)}`} title={words} aria-label={words}
        to="/p/$project/pipelines/$dag/runs/$dagRun/tasks/$task" params={{ project, dag, dagRun: run.dag_run_id, task }}>
        <StateShape state={state} />
      </Link>
    </td>
  );
}
