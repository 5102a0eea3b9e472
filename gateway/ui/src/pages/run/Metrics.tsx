import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { runQuery } from "../../api/tracking";
import { ChartControls, viewOf } from "../../charts/ChartControls";
import { MetricCard } from "../../charts/MetricCard";
import { groupOf } from "../../charts/series";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { FilterBox } from "../../ui/filter";
import { Section } from "../../ui/page";

const route = getRouteApi("/app/p/$project/runs/$run/metrics");

export function Metrics() {
  const project = useProject();
  const { run: id } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate();
  const [filter, setFilter] = useState("");
  const { data: run } = useQuery(runQuery(id));
  const name = run?.info.run_name || id;
  const runs = useMemo(() => [{ id, name }], [id, name]);
  const keys = (run?.data.metrics ?? []).map((one) => one.key).filter((key) => key.includes(filter)).toSorted();
  const groups = [...new Set(keys.map(groupOf))];
  if (run?.data.metrics === undefined || run.data.metrics.length === 0) return <p className="muted">{t("run.noMetrics")}</p>;
  return (
    <>
      <div className="toolbar">
        <FilterBox label={t("run.filterMetrics")} value={filter} onChange={setFilter} onCommit={setFilter} />
        <ChartControls view={viewOf(search)}
          onChange={(view) => void navigate({ to: "/p/$project/runs/$run/metrics", params: { project, run: id }, search: view, replace: true })} />
      </div>
      {groups.map((group) => {
        const members = keys.filter((key) => groupOf(key) === group);
        return (
          <Section key={group} title={group || t("run.metrics")} count={members.length}>
            <div className="metric-grid">{members.map((key) => <MetricCard key={key} runs={runs} metricKey={key} view={viewOf(search)} />)}</div>
          </Section>
        );
      })}
    </>
  );
}
