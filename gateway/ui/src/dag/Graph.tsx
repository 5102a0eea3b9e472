/** The drawing of a DAG: drag to pan, wheel to zoom; far away only shapes and colours are left, so it stays readable. */
import { useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from "react";
import type { Task } from "../api/scheduler";
import { t } from "../i18n";
import { IconButton } from "../ui/controls";
import { Skeleton } from "../ui/loaded";
import { stateWord, StateShape, tone } from "../ui/status";
import "./graph.css";
import type { Layout } from "./layout";
import { edgesOf } from "./order";
import { useLayout } from "./useLayout";

const HEIGHT = 44;
const FAR = 0.55;

export interface GraphNode { task: Task; state: string | null | undefined }
interface View { x: number; y: number; scale: number }

export function Graph({ nodes, known, renderLink }: {
  nodes: readonly GraphNode[];
  /** False when no run is looked at: then nothing has a state. */
  known: boolean;
  renderLink: (node: GraphNode, content: ReactNode) => ReactNode;
}) {
  const request = useMemo(() => ({
    nodes: nodes.map(({ task }) => ({ id: task.task_id, width: Math.max(120, Math.min(280, label(task).length * 7.200 + 44)), height: HEIGHT })),
    edges: edgesOf(nodes.map((node) => node.task)),
  }), [nodes]);
  const layout = useLayout(request);
  if (!layout) return <div className="panel graph"><Skeleton rows={4} /></div>;
  return <Drawing layout={layout} nodes={nodes} known={known} renderLink={renderLink} />;
}

const label = (task: Task): string => task.task_display_name || task.task_id;

/** Fits by height first: a long thin DAG is panned, not shrunk out of sight. */
export function fit(layout: Pick<Layout, "width" | "height">, box: { width: number; height: number }): View {
  const whole = Math.min(box.width / layout.width, box.height / layout.height);
  const scale = Math.max(0.25, Math.min(1.200, Math.max(whole, Math.min(0.7, box.height / layout.height))));
  const x = layout.width * scale <= box.width ? (box.width - layout.width * scale) / 2 : 0;
  return { scale, x, y: Math.max(0, (box.height - layout.height * scale) / 2) };
}

function Drawing({ layout, nodes, known, renderLink }: { layout: Layout } & Parameters<typeof Graph>[0]) {
  const svg = useRef<SVGSVGElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const drag = useRef<{ x: number; y: number; view: View } | null>(null);
  const moved = useRef(false);
  const reset = (): void => {
    if (svg.current) setView(fit(layout, svg.current.getBoundingClientRect()));
  };
  useEffect(reset, [layout]);
  useEffect(() => {
    const element = svg.current;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = (element as SVGSVGElement).getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      setView((before) => {
        const scale = Math.max(0.15, Math.min(2, before.scale * Math.exp(-event.deltaY * 0.0015)));
        const ratio = scale / before.scale;
        return { scale, x: at.x - (at.x - before.x) * ratio, y: at.y - (at.y - before.y) * ratio };
      });
    };
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, []);
  const onPointerMove = (event: PointerEvent): void => {
    const from = drag.current;
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!moved.current && Math.hypot(dx, dy) < 4) return;
    moved.current = true;
    setView({ ...from.view, x: from.view.x + dx, y: from.view.y + dy });
  };
  const far = view.scale < FAR;
  const byId = new Map(nodes.map((node) => [node.task.task_id, node]));
  return (
    <div className="panel graph" style={{ height: `clamp(220px, ${Math.ceil(layout.height * 1.2 + 120)}px, calc(100vh - 280px))` }}>
      <svg ref={svg} role="group" aria-label={t("dags.graph")}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, y: event.clientY, view };
          moved.current = false;
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => { drag.current = null; }}
        onPointerLeave={() => { drag.current = null; }}
        onClickCapture={(event) => { if (moved.current) event.preventDefault(); }}>
        <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
          {layout.lines.map((line) => <path key={`${line.from} ${line.to}`} className="edge" d={path(line.points)} />)}
          {layout.nodes.map((placed) => {
            const node = byId.get(placed.id);
            if (!node) return null;
            return (
              <g key={placed.id} transform={`translate(${placed.x} ${placed.y})`} className={`node ${known ? `tone-${tone(node.state)}` : ""}`}>
                {renderLink(node, <Node node={node} width={placed.width} known={known} far={far} />)}
              </g>
            );
          })}
        </g>
      </svg>
      <div className="graph-tools"><IconButton icon="fit" label={t("dags.fit")} variant="plain" onClick={reset} /></div>
    </div>
  );
}

function Node({ node, width, known, far }: { node: GraphNode; width: number; known: boolean; far: boolean }) {
  const name = label(node.task);
  return (
    <>
      <title>{known ? `${name}: ${stateWord(node.state)}` : name}</title>
      <rect width={width} height={HEIGHT} rx={6} />
      {known && <svg x={10} y={far ? 10 : 14} width={far ? 24 : 16} height={far ? 24 : 16} className="shape"><StateShape state={node.state} size={far ? 24 : 16} /></svg>}
      <text x={known ? (far ? 42 : 34) : 12} y={far ? 30 : 20} className={far ? "far" : ""}>{clip(name, far ? 16 : 32)}</text>
      {!far && <text x={known ? 34 : 12} y={35} className="detail">{known ? stateWord(node.state) : node.task.operator_name}</text>}
    </>
  );
}

const clip = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function path(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first || rest.length === 0) return "";
  const last = rest.at(-1) as { x: number; y: number };
  const middle = (first.x + last.x) / 2;
  if (rest.length <= 2) return `M${first.x} ${first.y}C${middle} ${first.y} ${middle} ${last.y} ${last.x} ${last.y}`;
  return `M${first.x} ${first.y}${rest.map((point) => `L${point.x} ${point.y}`).join("")}`;
}
