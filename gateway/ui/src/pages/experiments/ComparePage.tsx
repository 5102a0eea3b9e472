import { useQueries } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { runQuery, type Run } from "../../api/tracking";
import { ChartControls, viewOf } from "../../charts/ChartControls";
import { MetricCard } from "../../charts/MetricCard";
import { t } from "../../i18n";
import { metric } from "../../i18n/format";
import type { ChartSearch } from "../../search";
import { useProject } from "../../shell/project";
import { ErrorBox, Skeleton } from "../../ui/loaded";
import { Page, Section } from "../../ui/page";
import { lineLooks } from "../../ui/runcolor";
import { State } from "../../ui/status";
import { allColumns, cellOf, type DataColumn } from "./columns";
import "./experiments.css";

const route = getRouteApi("/app/p/$project/experiments/$experiment/compare");

/** Runs side by side: the first is the baseline, what is equal steps back. */
export function ComparePage() {
  const project = useProject();
  const { experiment } = route.useParams();
  const { runs: ids = [] } = route.useSearch();
  const results = useQueries({ queries: ids.map(runQuery) });
  const failed = results.find((result) => result.error);
  const runs = results.flatMap((result) => result.data ?? []);
  const ready = runs.length === ids.length;
  return (
    <Page title={t("compare.title", { count: ids.length })} crumbs={[
      { name: t("nav.experiments"), link: { to: "/p/$project/experiments", params: { project } } },
      { name: t("runs.title"), link: { to: "/p/$project/experiments/$experiment", params: { project, experiment } } },
    ]}>
      {failed?.error && <ErrorBox what={t("error.run")} error={failed.error} retry={() => void failed.refetch()} />}
      {ids.length === 0 && <p className="muted">{t("runs.compareNeedsTwo")}</p>}
      {!ready && !failed && <Skeleton />}
      {ready && runs.length > 0 && <><Values runs={runs} /><Charts runs={runs} /></>}
    </Page>
  );
}

function Values({ runs }: { runs: readonly Run[] }) {
  const project = useProject();
  const columns = allColumns(runs);
  const looks = lineLooks(runs.map((run) => run.info.run_id));
  return (
    <div className="panel compare-table" tabIndex={0} role="region" aria-label={t("compare.values")}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col"><span className="visually-hidden">{t("compare.values")}</span></th>
            {runs.map((run, index) => (
              <th scope="col" key={run.info.run_id} className="right num">
                <span className="row" style={{ justifyContent: "flex-end" }}>
                  <i className="run-dot" style={{ background: `var(${looks[index]?.colour})` }} aria-hidden="true" />
                  <Link to="/p/$project/runs/$run" params={{ project, run: run.info.run_id }}>{run.info.run_name || run.info.run_id}</Link>
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr><th scope="row">{t("column.status")}</th>{runs.map((run) => <td key={run.info.run_id} className="right num"><State state={run.info.status} bare /></td>)}</tr>
          {columns.map((column) => (
            <tr key={column.id} className={column.differs ? "" : "same"}>
              <th scope="row"><span className="mono">{column.key}</span> <span className="tiny faint">{t(`runs.kindOne.${column.kind}`)}</span></th>
              {runs.map((run) => <td key={run.info.run_id} className="right num"><Value run={run} base={runs[0]} column={column} /></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ run, base, column }: { run: Run; base: Run | undefined; column: DataColumn }) {
  const value = cellOf(run, column);
  if (value === undefined) return <>–</>;
  if (column.kind !== "metrics") return <>{String(value)}</>;
  const first = base && base !== run ? cellOf(base, column) : undefined;
  const delta = typeof first === "number" && typeof value === "number" ? value - first : undefined;
  return <>{metric(value)}{delta !== undefined && delta !== 0 && <span className="delta">{delta > 0 ? "+" : "−"}{metric(Math.abs(delta))}</span>}</>;
}

function Charts({ runs }: { runs: readonly Run[] }) {
  const [search, setSearch] = useState<ChartSearch>({});
  const shown = useMemo(() => runs.map((run) => ({ id: run.info.run_id, name: run.info.run_name || run.info.run_id })), [runs]);
  const keys = [...new Set(runs.flatMap((run) => (run.data.metrics ?? []).map((one) => one.key)))].filter((key) => !key.startsWith("system/")).toSorted();
  if (keys.length === 0) return null;
  return (
    <Section title={t("run.metrics")} count={keys.length}>
      <ChartControls view={viewOf(search)} onChange={setSearch} />
      <div className="metric-grid">{keys.map((key) => <MetricCard key={key} runs={shown} metricKey={key} view={viewOf(search)} />)}</div>
    </Section>
  );
}
