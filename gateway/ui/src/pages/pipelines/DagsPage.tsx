import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { dagsQuery, importErrorsQuery, recentDagRunsQuery, type Dag, type DagRun } from "../../api/scheduler";
import { t } from "../../i18n";
import { dateTime } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { dagSnippet } from "../../snippets";
import { Snippet } from "../../ui/controls";
import { FilterBox } from "../../ui/filter";
import { Loaded } from "../../ui/loaded";
import { Empty, Page, Section } from "../../ui/page";
import { stateWord, StateShape, tone } from "../../ui/status";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { PauseSwitch, TriggerButton } from "./actions";
import "./pipelines.css";

const route = getRouteApi("/app/p/$project/pipelines");
const RECENT = 8;

export function DagsPage() {
  const project = useProject();
  const { q = "" } = route.useSearch();
  const navigate = useNavigate();
  const [filter, setFilter] = useState(q);
  const dags = useQuery(dagsQuery);
  const runs = useQuery(recentDagRunsQuery).data ?? [];
  useEffect(() => setFilter(q), [q]);
  const columns: Column<Dag>[] = [
    { key: "active", title: t("dags.active"), cell: (dag) => <PauseSwitch dag={dag} /> },
    {
      key: "name", title: t("column.name"), className: "dag-name",
      cell: (dag) => (
        <>
          <Link className="name" to="/p/$project/pipelines/$dag" params={{ project, dag: dag.dag_id }}>{dag.dag_display_name || dag.dag_id}</Link>
          {dag.description && <div className="small muted truncate" title={dag.description}>{dag.description}</div>}
        </>
      ),
    },
    { key: "schedule", title: t("dags.schedule"), cell: (dag) => <Schedule dag={dag} /> },
    { key: "recent", title: t("dags.recent"), cell: (dag) => <Recent runs={runs.filter((run) => run.dag_id === dag.dag_id)} /> },
    {
      key: "next", title: t("dags.next"),
      cell: (dag) => dag.is_paused ? <span className="muted">{t("dags.paused")}</span> : <Ago time={dag.next_dagrun_run_after} />,
    },
    { key: "tags", title: t("run.tags"), cell: (dag) => <span className="row wrap">{dag.tags?.map((tag) => <span key={tag.name} className="chip">{tag.name}</span>)}</span> },
    { key: "trigger", title: <span className="visually-hidden">{t("column.actions")}</span>, className: "actions", cell: (dag) => <TriggerButton dag={dag.dag_id} paused={dag.is_paused} small /> },
  ];
  return (
    <Page title={t("nav.pipelines")}>
      <FilterBox label={t("dags.filter")} value={filter} onChange={setFilter}
        onCommit={(text) => void navigate({ to: "/p/$project/pipelines", params: { project }, search: { q: text || undefined }, replace: true })} />
      <ImportErrors />
      <Loaded query={dags} what={t("error.dags")}>
        {(found) => {
          const shown = found.filter((dag) => `${dag.dag_id} ${dag.tags?.map((tag) => tag.name).join(" ")}`.toLowerCase().includes(q.toLowerCase()));
          if (found.length === 0) return <NoDags />;
          if (shown.length === 0) return <p className="muted">{t("filter.nothing")}</p>;
          return <Table label={t("nav.pipelines")} columns={columns} rows={shown} rowKey={(dag) => dag.dag_id} />;
        }}
      </Loaded>
    </Page>
  );
}

export function Schedule({ dag }: { dag: Dag }) {
  if (!dag.timetable_summary) return <span className="muted">{t("dags.noSchedule")}</span>;
  return <code title={dag.timetable_description ?? undefined}>{dag.timetable_summary}</code>;
}

/** The last runs as shapes, oldest first. */
function Recent({ runs }: { runs: readonly DagRun[] }) {
  const project = useProject();
  if (runs.length === 0) return <span className="faint">–</span>;
  return (
    <span className="recent">
      {runs.slice(0, RECENT).toReversed().map((run) => {
        const words = `${stateWord(run.state)} · ${dateTime(run.start_date ?? run.run_after)}`;
        return (
          <Link key={run.dag_run_id} className={`mark tone-${tone(run.state)}`} title={words} aria-label={words}
            to="/p/$project/pipelines/$dag/runs/$dagRun" params={{ project, dag: run.dag_id, dagRun: run.dag_run_id }}>
            <StateShape state={run.state} />
          </Link>
        );
      })}
    </span>
  );
}

function ImportErrors() {
  const errors = useQuery(importErrorsQuery).data ?? [];
  if (errors.length === 0) return null;
  return (
    <Section title={t("dags.importErrors")} count={errors.length}>
      {errors.map((error) => (
        <details key={`${error.bundle_name} ${error.filename}`} className="error-box import-error">
          <summary><code>{error.filename}</code> <span className="wrap-anywhere">{lastLine(error.stack_trace)}</span></summary>
          <pre tabIndex={0} role="region" aria-label={error.filename}>{error.stack_trace}</pre>
        </details>
      ))}
    </Section>
  );
}

const lastLine = (trace: string | undefined): string => trace?.trim().split("\n").at(-1) ?? "";

function NoDags() {
  return (
    <Empty title={t("dags.empty")}>
      <p>{t("dags.emptyHow")}</p>
      <Snippet label="hello.py" code={dagSnippet()} />
    </Empty>
  );
}
