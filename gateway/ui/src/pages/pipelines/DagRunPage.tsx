import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, Outlet, useParams, useSearch } from "@tanstack/react-router";
import { dagRunQuery, taskInstancesQuery, type TaskInstance } from "../../api/scheduler";
import { t } from "../../i18n";
import { dateTime } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Copyable } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { Page, Section } from "../../ui/page";
import { State } from "../../ui/status";
import { Ago, Elapsed } from "../../ui/time";
import { inOrder, instanceName } from "./instances";
import "./pipelines.css";
import { runTypeWord } from "./words";

const route = getRouteApi("/app/p/$project/pipelines/$dag/runs/$dagRun");

export function DagRunPage() {
  const project = useProject();
  const { dag, dagRun } = route.useParams();
  const task = useParams({ strict: false, select: (params) => params.task });
  const query = useQuery(dagRunQuery(dag, dagRun));
  const instances = useQuery(taskInstancesQuery(dag, dagRun));
  const run = query.data;
  const conf = run?.conf && Object.keys(run.conf).length > 0 ? JSON.stringify(run.conf) : "";
  return (
    <Page title={dagRun}
      crumbs={[
        { name: t("nav.pipelines"), link: { to: "/p/$project/pipelines", params: { project } } },
        { name: dag, link: { to: "/p/$project/pipelines/$dag", params: { project, dag } } },
      ]}
      badges={run && <State state={run.state} />}
      facts={run ? [
        [t("dagRun.type"), runTypeWord(run.run_type)],
        [t("dagRun.logicalDate"), dateTime(run.logical_date)],
        [t("column.started"), <Ago key="started" time={run.start_date} />],
        [t("column.duration"), <Elapsed key="took" start={run.start_date} end={run.end_date} />],
        ...(run.triggering_user_name ? [[t("dagRun.by"), run.triggering_user_name] as [string, string]] : []),
        ...(conf ? [[t("dags.conf"), <Copyable key="conf" text={conf} />] as [string, React.ReactNode]] : []),
      ] : []}
      actions={<Link className="button" to="/p/$project/pipelines/$dag/graph" params={{ project, dag }} search={{ run: dagRun }}>{t("dags.graph")}</Link>}>
      <Loaded query={query} what={t("error.dagRun")}>
        {() => (
          <div className="task-and-log">
            <Section title={t("dags.tasks")} count={instances.data?.length}>
              <Loaded query={instances} what={t("error.tasks")}>{(found) => <Instances dag={dag} dagRun={dagRun} instances={inOrder(found)} />}</Loaded>
            </Section>
            {task === undefined ? <p className="muted">{t("dagRun.chooseTask")}</p> : <Outlet />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Instances({ dag, dagRun, instances }: { dag: string; dagRun: string; instances: readonly TaskInstance[] }) {
  const project = useProject();
  const task = useParams({ strict: false, select: (params) => params.task });
  const map = useSearch({ strict: false, select: (search) => search.map });
  if (instances.length === 0) return <p className="muted">{t("dagRun.noTasks")}</p>;
  return (
    <ul className="panel instances">
      {instances.map((one) => (
        <li key={`${one.task_id} ${one.map_index}`}>
          <Link to="/p/$project/pipelines/$dag/runs/$dagRun/tasks/$task" params={{ project, dag, dagRun, task: one.task_id }}
            search={one.map_index >= 0 ? { map: one.map_index } : {}}
            aria-current={one.task_id === task && (map ?? -1) === one.map_index ? "true" : undefined}>
            <State state={one.state} />
            <span className="truncate grow" title={one.operator_name ?? one.operator ?? undefined}>{instanceName(one)}</span>
            {one.try_number > 1 && <span className="tiny muted">{t("dagRun.tryN", { n: one.try_number })}</span>}
            <span className="small muted num"><Elapsed start={one.start_date} end={one.end_date} /></span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
