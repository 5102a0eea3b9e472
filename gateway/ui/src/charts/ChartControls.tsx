import { t } from "../i18n";
import { number } from "../i18n/format";
import type { ChartSearch } from "../search";
import { CheckBox, Segmented } from "../ui/controls";
import type { ChartView } from "./MetricCard";

export const viewOf = (search: ChartSearch): ChartView => ({ x: search.x ?? "step", smooth: search.smooth ?? 0, log: search.log ?? false });

export function ChartControls({ view, onChange }: { view: ChartView; onChange: (view: ChartSearch) => void }) {
  const search = (next: Partial<ChartView>): ChartSearch => {
    const all = { ...view, ...next };
    return { x: all.x === "step" ? undefined : all.x, smooth: all.smooth || undefined, log: all.log || undefined };
  };
  return (
    <div className="toolbar">
      <Segmented label={t("chart.x")} value={view.x} onChange={(x) => onChange(search({ x }))}
        options={[["step", t("chart.step")], ["time", t("chart.time")], ["relative", t("chart.relative")]]} />
      <label className="check">
        {t("chart.smoothing")}
        <input type="range" min={0} max={0.98} step={0.02} value={view.smooth} onChange={(event) => onChange(search({ smooth: Number(event.target.value) }))} />
        <span className="num small muted" style={{ minWidth: 32 }}>{number(view.smooth, 2)}</span>
      </label>
      <CheckBox label={t("chart.log")} checked={view.log} onChange={(log) => onChange(search({ log }))} />
    </div>
  );
}
