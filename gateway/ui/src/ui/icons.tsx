/** The icons: 16 px, one stroke width, drawn in the text's colour. They are decoration; the words beside them speak. */
const PATHS = {
  home: "M2.5 7.5 8 3l5.5 4.5V13h-4V9.5h-3V13h-4z",
  notebook: "M4 2.5h8.5v11H4zM4 5H2.5M4 8H2.5M4 11H2.5M7 5.5h3.5M7 8h3.5",
  experiment: "M6 2.5h4M6.8 2.5v4L3 13.5h10L9.2 6.5v-4M5 10h6",
  model: "M8 2 13.5 5v6L8 14 2.5 11V5zM2.5 5 8 8l5.5-3M8 8v6",
  pipeline: "M2 3.5h4v3H2zM10 9.5h4v3h-4zM6 5h3v6h1",
  endpoint: "M8 13.5v-4M4.5 6.5a5 5 0 0 1 7 0M2.5 4.5a8 8 0 0 1 11 0M8 9.5a1 1 0 1 0 0-.01",
  users: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.5 13.5c.3-2.8 2-4.2 4.5-4.2s4.200 1.400 4.500 4.200M10.500 2.800a2.300 2.300 0 0 1 0 4.400M12 9.500c1.500.5 2.300 1.900 2.500 4",
  settings: "M3 4.500h6M12 4.500h1M3 11.500h1M7 11.500h6M10.500 6a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3M5.500 13a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9M10.500 10.500 13.500 13.500",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  check: "M3 8.500 6.500 12 13 4.500",
  close: "M4 4l8 8M12 4l-8 8",
  play: "M5 3l8 5-8 5z",
  stop: "M4 4h8v8H4z",
  plus: "M8 3v10M3 8h10",
  retry: "M13 8a5 5 0 1 1-1.500-3.500M13 2.500V5h-2.500",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 5v3l2 1.500",
  dash: "M4 8h8",
  dot: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  warning: "M8 2.500 14.500 13.500h-13zM8 6.500v3M8 11.300v.4",
  up: "M8 13V3.500M4 7l4-4 4 4",
  down: "M8 3v9.500M4 9l4 4 4-4",
  right: "M6 3.500 10.500 8 6 12.500",
  folder: "M2 4h4.500L8 5.500h6v7H2z",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  download: "M8 2.500v7M5 7l3 3 3-3M2.500 13h11",
  external: "M9 3h4v4M13 3 7.500 8.500M11 9v4H3V5h4",
  trash: "M3 4.500h10M6 4.500v-2h4v2M4.500 4.500l.6 9h5.800l.6-9M7 7v4M9 7v4",
  columns: "M2.500 3h11v10h-11zM6.200 3v10M9.800 3v10",
  rail: "M2.500 3h11v10h-11zM10 3v10",
  fit: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
  link: "M6.500 9.500l3-3M7 5l1.500-1.500a2.800 2.800 0 0 1 4 4L11 9M9 11l-1.500 1.500a2.800 2.800 0 0 1-4-4L5 7",
  key: "M9.500 6.500a3 3 0 1 1-1.200-2.400M8.500 7.500l5 5M11.500 10.500l-1.500 1.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, fill = false }: { name: IconName; fill?: boolean }) {
  return (
    <svg className="icon-svg" viewBox="0 0 16 16" aria-hidden="true" fill={fill ? "currentColor" : "none"} stroke="currentColor"
      strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round">
      <path d={PATHS[name]} />
    </svg>
  );
}
