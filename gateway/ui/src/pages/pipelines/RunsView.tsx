import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { dagRunsQuery, type DagRun } from "../../api/scheduler";
import { t } from "../../i18n";
import { dateTime } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Loaded } from "../../ui/loaded";
import { State } from "../../ui/status";
import { Table, type Column } from "../../ui/table";
import { Ago, Elapsed } from "../../ui/time";
import { runTypeWord } from "./words";

const route = getRouteApi("/app/p/$project/pipelines/$dag");

export function RunsView() {
  const project = useProject();
  const { dag } = route.useParams();
  const runs = useQuery(dagRunsQuery(dag, 100));
  const columns: Column<DagRun>[] = [
    {
      key: "id", title: t("column.run"), className: "name",
      cell: (run) => <Link className="mono" to="/p/$project/pipelines/$dag/runs/$dagRun" params={{ project, dag, dagRun: run.dag_run_id }}>{run.dag_run_id}</Link>,
    },
    { key: "state", title: t("column.state"), cell: (run) => <State state={run.state} /> },
    { key: "type", title: t("dagRun.type"), cell: (run) => runTypeWord(run.run_type) },
    { key: "logical", title: t("dagRun.logicalDate"), className: "num", cell: (run) => dateTime(run.logical_date) },
    { key: "started", title: t("column.started"), cell: (run) => <Ago time={run.start_date} /> },
    { key: "took", title: t("column.duration"), numeric: true, cell: (run) => <Elapsed start={run.start_date} end={run.end_date} /> },
  ];
  return (
    <Loaded query={runs} what={t("error.dagRuns")}>
      {(found) => found.length === 0 ? <p className="muted">{t("dags.noRuns")}</p>
        : <Table label={t("dags.runs")} columns={columns} rows={found} rowKey={(run) => run.dag_run_id} />}
    </Loaded>
  );
}
