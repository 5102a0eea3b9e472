/** Places a graph's nodes in layers, left to right. Runs in a worker: large graphs take a while. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Edge } from "./order";

export interface Placed { id: string; x: number; y: number; width: number; height: number }
export interface Line { from: string; to: string; points: { x: number; y: number }[] }
export interface Layout { nodes: Placed[]; lines: Line[]; width: number; height: number }
export interface LayoutRequest { nodes: { id: string; width: number; height: number }[]; edges: Edge[] }

export function place({ nodes, edges }: LayoutRequest): Layout {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 44, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: node.width, height: node.height });
  for (const edge of edges) graph.setEdge(edge.from, edge.to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width, height,
    nodes: nodes.map((node) => {
      const { x, y } = graph.node(node.id) as { x: number; y: number };
      return { ...node, x: x - node.width / 2, y: y - node.height / 2 };
    }),
    lines: graph.edges().map((edge) => ({ from: edge.v, to: edge.w, points: (graph.edge(edge) as { points: { x: number; y: number }[] }).points })),
  };
}
