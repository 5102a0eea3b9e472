import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { historyQuery, type Metric } from "../api/tracking";
import { t } from "../i18n";
import { dateTime, metric, number } from "../i18n/format";
import { IconButton } from "../ui/controls";
import { ErrorBox } from "../ui/loaded";
import { lineLooks } from "../ui/runcolor";
import { LineChart } from "./LineChart";
import { seriesOf, smooth, type Series, type XAxis } from "./series";

export interface ChartView { x: XAxis; smooth: number; log: boolean }
export interface ChartRun { id: string; name: string }

/** About one point per pixel of a wide card: the server samples the rest away. */
const POINTS = 800;

/** One metric of one run or several. It fetches and draws only once it has been in view. */
export function MetricCard({ runs, metricKey, view, height }: { runs: readonly ChartRun[]; metricKey: string; view: ChartView; height?: number }) {
  const box = useRef<HTMLElement>(null);
  const visible = useSeen(box);
  const [asTable, setAsTable] = useState(false);
  const ids = useMemo(() => runs.map((run) => run.id), [runs]);
  const names = useMemo(() => runs.map((run) => run.name), [runs]);
  const looks = useMemo(() => lineLooks(ids), [ids]);
  const history = useQuery({ ...historyQuery(ids, metricKey, POINTS), enabled: visible });
  const series = useMemo(
    () => seriesOf(history.data ?? [], ids, view.x).map((one) => ({ ...one, ys: smooth(one.ys, view.smooth) })),
    [history.data, ids, view.x, view.smooth],
  );
  const single = history.data !== undefined && series.every((one) => one.xs.length <= 1);
  return (
    <figure className="metric-card panel" ref={box}>
      <figcaption>
        <span className="mono truncate" title={metricKey}>{metricKey}</span>
        <IconButton className="end" icon="columns" label={t("chart.asTable")} aria-pressed={asTable} onClick={() => setAsTable(!asTable)} />
      </figcaption>
      {history.error && <ErrorBox what={t("error.metric")} error={history.error} retry={() => void history.refetch()} />}
      {!history.error && asTable && <PointTable points={history.data ?? []} runs={runs} />}
      {!history.error && !asTable && single && <Singles series={series} runs={runs} />}
      {!history.error && !asTable && !single && (history.data
        ? <LineChart series={series} names={names} looks={looks} x={view.x} log={view.log} height={height} label={summary(metricKey, history.data)} />
        : <div style={{ height: (height ?? 200) + 28 }} aria-busy="true" />)}
    </figure>
  );
}

/** A metric that was logged once has no line: its values stand beside each other. */
function Singles({ series, runs }: { series: readonly Series[]; runs: readonly ChartRun[] }) {
  const looks = lineLooks(runs.map((run) => run.id));
  const values = series.map((one) => one.ys[0] ?? null);
  const most = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  if (runs.length === 1) return <p className="single num">{metric(values[0])}</p>;
  return (
    <ul className="singles">
      {runs.map((run, index) => (
        <li key={run.id}>
          <span className="truncate" title={run.name}>{run.name}</span><span className="num">{metric(values[index])}</span>
          <i aria-hidden="true" style={{ width: `${most > 0 ? (Math.abs(values[index] ?? 0) / most) * 100 : 0}%`, background: `var(${looks[index]?.colour})` }} />
        </li>
      ))}
    </ul>
  );
}

function useSeen(box: React.RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!box.current || seen) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    }, { rootMargin: "200px" });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box, seen]);
  return seen;
}

function summary(key: string, points: readonly Metric[]): string {
  const values = points.map((point) => Number(point.value)).filter(Number.isFinite);
  if (values.length === 0) return t("chart.summaryNone", { key });
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return t("chart.summary", { key, count: points.length, min: metric(least), max: metric(most), last: metric(values.at(-1)) });
}

function PointTable({ points, runs }: { points: readonly Metric[]; runs: readonly ChartRun[] }) {
  const name = (id: string | null | undefined): string => runs.find((run) => run.id === id)?.name ?? runs[0]?.name ?? "";
  return (
    <div className="point-table" tabIndex={0} role="region" aria-label={t("chart.asTable")}>
      <table className="table">
        <thead>
          <tr>
            {runs.length > 1 && <th scope="col">{t("column.run")}</th>}
            <th scope="col" className="right num">{t("chart.step")}</th><th scope="col" className="right num">{t("chart.value")}</th><th scope="col">{t("chart.time")}</th>
          </tr>
        </thead>
        <tbody>
          {points.map((point, index) => (
            <tr key={index}>
              {runs.length > 1 && <td>{name(point.run_id)}</td>}
              <td className="right num">{number(point.step ?? 0, 0)}</td><td className="right num">{metric(point.value)}</td><td className="right num">{dateTime(point.timestamp)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
