import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { experimentsQuery, type Experiment } from "../../api/tracking";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { mlflowSnippet, TOKEN, trainSnippet } from "../../snippets";
import { Snippet } from "../../ui/controls";
import { FilterBox } from "../../ui/filter";
import { Loaded } from "../../ui/loaded";
import { Empty, Page } from "../../ui/page";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";

const route = getRouteApi("/app/p/$project/experiments");

export function ExperimentsPage() {
  const project = useProject();
  const { q = "" } = route.useSearch();
  const navigate = useNavigate();
  const [filter, setFilter] = useState(q);
  const experiments = useQuery(experimentsQuery(q));
  useEffect(() => setFilter(q), [q]);
  const columns: Column<Experiment>[] = [
    {
      key: "name", title: t("column.name"), className: "name",
      cell: (it) => <Link to="/p/$project/experiments/$experiment" params={{ project, experiment: it.experiment_id }}>{it.name}</Link>,
    },
    { key: "id", title: t("column.id"), className: "mono muted", cell: (it) => it.experiment_id },
    { key: "created", title: t("column.created"), cell: (it) => <Ago time={it.creation_time} /> },
    { key: "updated", title: t("column.updated"), cell: (it) => <Ago time={it.last_update_time} /> },
  ];
  return (
    <Page title={t("nav.experiments")}>
      <FilterBox label={t("experiments.filter")} value={filter} onChange={setFilter}
        onCommit={(text) => void navigate({ to: "/p/$project/experiments", params: { project }, search: { q: text || undefined }, replace: true })} />
      <Loaded query={experiments} what={t("error.experiments")}>
        {(found) => found.length === 0 ? (q ? <p className="muted">{t("filter.nothing")}</p> : <NoExperiments />)
          : <Table label={t("nav.experiments")} columns={columns} rows={found} rowKey={(it) => it.experiment_id} />}
      </Loaded>
    </Page>
  );
}

export function NoExperiments() {
  return (
    <Empty title={t("experiments.empty")}>
      <p>{t("experiments.emptyHow")} <Link to="/settings">{t("settings.createToken")}</Link></p>
      <Snippet label="MLflow" code={mlflowSnippet(TOKEN)} />
      <Snippet label="train.py" code={trainSnippet()} />
    </Empty>
  );
}
