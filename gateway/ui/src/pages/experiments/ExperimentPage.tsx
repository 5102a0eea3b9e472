import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { experimentQuery, runsQuery } from "../../api/tracking";
import { t } from "../../i18n";
import type { RunsSearch } from "../../search";
import { useProject } from "../../shell/project";
import { mlflowSnippet, TOKEN, trainSnippet } from "../../snippets";
import { Button, Copyable, Snippet } from "../../ui/controls";
import { ErrorBox, Loaded, Skeleton } from "../../ui/loaded";
import { Empty, Page } from "../../ui/page";
import { Ago } from "../../ui/time";
import { ColumnMenu } from "./ColumnMenu";
import { allColumns, clauseFor, orderBy, shownColumns, withClause } from "./columns";
import { RunFilter } from "./RunFilter";
import { RunsGrid } from "./RunsGrid";
import "./experiments.css";

const route = getRouteApi("/app/p/$project/experiments/$experiment");

export function ExperimentPage() {
  const project = useProject();
  const { experiment: id } = route.useParams();
  const experiment = useQuery(experimentQuery(id));
  return (
    <Page title={experiment.data?.name ?? id} fill
      crumbs={[{ name: t("nav.experiments"), link: { to: "/p/$project/experiments", params: { project } } }]}
      facts={experiment.data ? [
        [t("column.id"), <Copyable key="id" text={id} />],
        [t("column.created"), <Ago key="created" time={experiment.data.creation_time} />],
        [t("experiments.artifacts"), <code key="artifacts">{experiment.data.artifact_location}</code>],
      ] : []}>
      <Loaded query={experiment} what={t("error.experiment")}>{() => <Runs experiment={id} />}</Loaded>
    </Page>
  );
}

function Runs({ experiment }: { experiment: string }) {
  const project = useProject();
  const navigate = useNavigate();
  const search = route.useSearch();
  const [typed, setTyped] = useState(search.q ?? "");
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setTyped(search.q ?? ""), [search.q]);
  const query = useInfiniteQuery({ ...runsQuery([experiment], search.q ?? "", orderBy(search.sort)), placeholderData: (before) => before });
  const runs = useMemo(() => query.data?.pages.flatMap((page) => page.runs ?? []) ?? [], [query.data]);
  const columns = useMemo(() => allColumns(runs), [runs]);
  const shown = shownColumns(columns, search.cols, search.diff ?? false);
  const show = (change: Partial<RunsSearch>): void => {
    void navigate({ to: "/p/$project/experiments/$experiment", params: { project, experiment }, search: { ...search, ...change }, replace: true });
  };
  const compare = (): void => {
    if (selected.size < 2) return;
    void navigate({ to: "/p/$project/experiments/$experiment/compare", params: { project, experiment }, search: { runs: [...selected] } });
  };

  return (
    <>
      <div className="toolbar">
        <RunFilter value={typed} columns={columns} onChange={setTyped} onCommit={(q) => show({ q: q || undefined })} />
        <ColumnMenu all={columns} shown={shown} onChange={(cols) => show({ cols })} />
        <Button aria-pressed={search.diff ?? false} onClick={() => show({ diff: search.diff ? undefined : true })}>{t("runs.onlyDiffering")}</Button>
        <Button variant="primary" unusable={selected.size < 2 ? t("runs.compareNeedsTwo") : undefined} onClick={compare}>
          {t("runs.compare", { count: selected.size })}
        </Button>
        {query.data && <span className="small muted num" role="status">{t(query.hasNextPage ? "runs.countMore" : "runs.count", { count: runs.length })}</span>}
      </div>
      {query.error && <ErrorBox what={t("error.runs")} error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton rows={12} />}
      {query.data && runs.length === 0 && (search.q ? <p className="muted">{t("filter.nothing")}</p> : <NoRuns />)}
      {runs.length > 0 && (
        <RunsGrid runs={runs} columns={shown} sort={search.sort} scope={`${experiment} ${search.q} ${search.sort}`} selected={selected}
          busy={query.isFetching && query.isPlaceholderData}
          onSelect={setSelected} onSort={(sort) => show({ sort })} onCompare={compare}
          onFilter={(column, value) => show({ q: withClause(search.q ?? "", clauseFor(column, value)) })}
          onEnd={() => query.hasNextPage && !query.isFetchingNextPage && void query.fetchNextPage()} />
      )}
    </>
  );
}

function NoRuns() {
  return (
    <Empty title={t("runs.empty")}>
      <p>{t("experiments.emptyHow")} <Link to="/settings">{t("settings.createToken")}</Link></p>
      <Snippet label="MLflow" code={mlflowSnippet(TOKEN)} />
      <Snippet label="train.py" code={trainSnippet()} />
    </Empty>
  );
}
