import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Outlet } from "@tanstack/react-router";
import { dagQuery } from "../../api/scheduler";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { Loaded } from "../../ui/loaded";
import { Page, Tabs } from "../../ui/page";
import { Ago } from "../../ui/time";
import { PauseSwitch, TriggerButton } from "./actions";
import { Schedule } from "./DagsPage";
import "./pipelines.css";

const route = getRouteApi("/app/p/$project/pipelines/$dag");

export function DagPage() {
  const project = useProject();
  const { dag: id } = route.useParams();
  const query = useQuery(dagQuery(id));
  const dag = query.data;
  const params = { project, dag: id };
  return (
    <Page title={dag?.dag_display_name || id} crumbs={[{ name: t("nav.pipelines"), link: { to: "/p/$project/pipelines", params: { project } } }]}
      badges={dag && <span className="row"><PauseSwitch dag={dag} /><span className="small muted">{dag.is_paused ? t("dags.paused") : t("dags.active")}</span></span>}
      facts={dag ? [
        [t("dags.schedule"), <Schedule key="schedule" dag={dag} />],
        [t("dags.next"), dag.is_paused ? "–" : <Ago key="next" time={dag.next_dagrun_run_after} />],
        [t("dags.owner"), dag.owners?.join(", ") || "–"],
        [t("dags.file"), <code key="file">{dag.relative_fileloc ?? dag.fileloc}</code>],
      ] : []}
      actions={dag && <TriggerButton dag={id} paused={dag.is_paused} />}>
      {dag?.description && <p className="muted">{dag.description}</p>}
      <Tabs label={t("dags.tabs")} tabs={[
        { name: t("dags.grid"), link: { to: "/p/$project/pipelines/$dag", params, activeOptions: { exact: true } } },
        { name: t("dags.graph"), link: { to: "/p/$project/pipelines/$dag/graph", params } },
        { name: t("dags.runs"), link: { to: "/p/$project/pipelines/$dag/runs", params } },
        { name: t("dags.code"), link: { to: "/p/$project/pipelines/$dag/code", params } },
      ]} />
      <Loaded query={query} what={t("error.dag")}>{() => <Outlet />}</Loaded>
    </Page>
  );
}
