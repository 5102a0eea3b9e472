import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Outlet } from "@tanstack/react-router";
import { experimentQuery, runQuery, type Run } from "../../api/tracking";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { Copyable } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { Page, Tabs } from "../../ui/page";
import { runColour } from "../../ui/runcolor";
import { State } from "../../ui/status";
import { Ago, Elapsed } from "../../ui/time";
import "./run.css";

const route = getRouteApi("/app/p/$project/runs/$run");

export const tagOf = (run: Run, key: string): string | undefined => run.data.tags?.find((tag) => tag.key === key)?.value;

export function RunPage() {
  const project = useProject();
  const { run: id } = route.useParams();
  const query = useQuery(runQuery(id));
  const run = query.data;
  const experiment = useQuery({ ...experimentQuery(run?.info.experiment_id ?? ""), enabled: run !== undefined });
  const link = { params: { project, run: id } } as const;
  return (
    <Page title={run?.info.run_name || id}
      crumbs={[
        { name: t("nav.experiments"), link: { to: "/p/$project/experiments", params: { project } } },
        ...(run ? [{
          name: experiment.data?.name ?? run.info.experiment_id,
          link: { to: "/p/$project/experiments/$experiment", params: { project, experiment: run.info.experiment_id } } as const,
        }] : []),
      ]}
      badges={run && <><i className="run-dot" style={{ background: runColour(id) }} aria-hidden="true" /><State state={run.info.status} /></>}
      facts={run ? [
        [t("column.started"), <Ago key="started" time={run.info.start_time} />],
        [t("column.duration"), <Elapsed key="took" start={run.info.start_time} end={run.info.end_time} />],
        [t("column.user"), run.info.user_id ?? "–"],
        [t("run.source"), <code key="source">{tagOf(run, "mlflow.source.name") ?? "–"}</code>],
        [t("column.id"), <Copyable key="id" text={id} shown={id.slice(0, 8)} />],
      ] : []}>
      <Tabs label={t("run.tabs")} tabs={[
        { name: t("run.overview"), link: { to: "/p/$project/runs/$run", ...link, activeOptions: { exact: true } } },
        { name: t("run.metrics"), link: { to: "/p/$project/runs/$run/metrics", ...link } },
        { name: t("run.artifacts"), link: { to: "/p/$project/runs/$run/artifacts", ...link } },
      ]} />
      <Loaded query={query} what={t("error.run")}>{() => <Outlet />}</Loaded>
    </Page>
  );
}
