import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { dagRunsQuery, taskInstancesQuery, tasksQuery } from "../../api/scheduler";
import { Graph, type GraphNode } from "../../dag/Graph";
import { t } from "../../i18n";
import { dateTime } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Loaded } from "../../ui/loaded";
import { stateWord } from "../../ui/status";
import { worst } from "./instances";

const route = getRouteApi("/app/p/$project/pipelines/$dag/graph");

/** The graph of a DAG, coloured by one of its runs: the newest when none is chosen. */
export function GraphView() {
  const project = useProject();
  const { dag } = route.useParams();
  const { run: chosen } = route.useSearch();
  const navigate = useNavigate();
  const runs = useQuery(dagRunsQuery(dag, 25)).data ?? [];
  const run = chosen ?? runs[0]?.dag_run_id ?? "";
  const tasks = useQuery(tasksQuery(dag));
  const instances = useQuery({ ...taskInstancesQuery(dag, run), enabled: run !== "" }).data;
  const nodes = useMemo(() => (tasks.data ?? []).map((task): GraphNode => {
    const own = instances?.filter((one) => one.task_id === task.task_id) ?? [];
    return { task, state: own.length > 0 ? worst(own) : null };
  }), [tasks.data, instances]);
  return (
    <Loaded query={tasks} what={t("error.tasks")}>
      {() => (
        <>
          {runs.length > 0 && (
            <label className="row">
              <span className="small muted">{t("dags.statesOf")}</span>
              <select className="input" style={{ width: "auto" }} value={run}
                onChange={(event) => void navigate({ to: "/p/$project/pipelines/$dag/graph", params: { project, dag }, search: { run: event.target.value }, replace: true })}>
                {runs.map((one) => <option key={one.dag_run_id} value={one.dag_run_id}>{dateTime(one.start_date ?? one.run_after)} · {stateWord(one.state)}</option>)}
              </select>
            </label>
          )}
          <Graph nodes={nodes} known={instances !== undefined} renderLink={(node, content) => run
            ? <Link to="/p/$project/pipelines/$dag/runs/$dagRun/tasks/$task" params={{ project, dag, dagRun: run, task: node.task.task_id }}>{content}</Link>
            : content} />
        </>
      )}
    </Loaded>
  );
}
