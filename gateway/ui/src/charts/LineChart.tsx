import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "../i18n";
import { clockTime, duration, metric, number } from "../i18n/format";
import { useTheme } from "../theme/theme";
import type { LineLook } from "../ui/runcolor";
import "./charts.css";
import { align, type Series, type XAxis } from "./series";

interface Props { series: readonly Series[]; names: readonly string[]; looks: readonly LineLook[]; x: XAxis; log: boolean; label: string; height?: number }

/** Lines over step or time, drawn on a canvas; the table beside it says the same in words. */
export function LineChart({ series, names, looks, x, log, label, height = 200 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const { xs, ys } = align(series);
    const chart = new uPlot(options({ names, looks, x, log, height, width: element.clientWidth }), [xs, ...ys] as uPlot.AlignedData, element);
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [series, names, looks, x, log, height, theme]);
  return <div className="line-chart" ref={box} role="img" aria-label={label} />;
}

function options({ names, looks, x, log, height, width }: Omit<Required<Props>, "series" | "label"> & { width: number }): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: token("--text-2"), font: `11px ${token("--font-ui")}`, size: 28,
    grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line"), width: 1, size: 4 },
  };
  return {
    width, height,
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((value) => xWord(value, x)), space: x === "time" ? 90 : 50 },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => (value === null ? "" : metric(value))) },
    ],
    series: [
      { label: x === "step" ? t("chart.step") : t("chart.time"), value: (_, value) => (value === null ? "–" : xWord(value, x)) },
      ...looks.map((look, index): uPlot.Series => ({
        label: names[index] ?? "", stroke: token(look.colour), dash: [...look.dash], width: 1.5, spanGaps: true,
        value: (_, value) => metric(value), points: { size: 5 },
      })),
    ],
  };
}

function xWord(value: number, x: XAxis): string {
  if (x === "step") return number(value, 0);
  return x === "time" ? clockTime(value * 1000).slice(0, 8) : duration(value * 1000);
}
