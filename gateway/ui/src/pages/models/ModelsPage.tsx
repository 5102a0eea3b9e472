import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { modelsQuery, type RegisteredModel } from "../../api/registry";
import { t } from "../../i18n";
import { useProject } from "../../shell/project";
import { registerSnippet } from "../../snippets";
import { Snippet } from "../../ui/controls";
import { FilterBox } from "../../ui/filter";
import { Loaded } from "../../ui/loaded";
import { Empty, Page } from "../../ui/page";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { AliasChip } from "./Aliases";

const route = getRouteApi("/app/p/$project/models");

export function ModelsPage() {
  const project = useProject();
  const { q = "" } = route.useSearch();
  const navigate = useNavigate();
  const [filter, setFilter] = useState(q);
  const models = useQuery(modelsQuery(q));
  useEffect(() => setFilter(q), [q]);
  const latest = (model: RegisteredModel): string | undefined =>
    model.latest_versions?.map((version) => version.version).toSorted((a, b) => Number(b) - Number(a))[0];
  const columns: Column<RegisteredModel>[] = [
    {
      key: "name", title: t("column.name"), className: "name",
      cell: (model) => <Link to="/p/$project/models/$model" params={{ project, model: model.name }}>{model.name}</Link>,
    },
    {
      key: "latest", title: t("models.latest"), numeric: true,
      cell: (model) => {
        const version = latest(model);
        return version ? <Link to="/p/$project/models/$model/v/$version" params={{ project, model: model.name, version }}>{version}</Link> : "–";
      },
    },
    {
      key: "aliases", title: t("models.aliases"),
      cell: (model) => <span className="row wrap">{(model.aliases ?? []).map((alias) => <AliasChip key={alias.alias} alias={alias.alias} version={alias.version} />)}</span>,
    },
    { key: "description", title: t("models.description"), className: "muted prose-cell", cell: (model) => model.description },
    { key: "updated", title: t("column.updated"), cell: (model) => <Ago time={model.last_updated_timestamp} /> },
  ];
  return (
    <Page title={t("nav.models")}>
      <FilterBox label={t("models.filter")} value={filter} onChange={setFilter}
        onCommit={(text) => void navigate({ to: "/p/$project/models", params: { project }, search: { q: text || undefined }, replace: true })} />
      <Loaded query={models} what={t("error.models")}>
        {(found) => found.length > 0 ? <Table label={t("nav.models")} columns={columns} rows={found} rowKey={(model) => model.name} />
          : q ? <p className="muted">{t("filter.nothing")}</p> : (
            <Empty title={t("models.empty")}>
              <p>{t("models.emptyHow")}</p>
              <Snippet label="Python" code={registerSnippet()} />
            </Empty>
          )}
      </Loaded>
    </Page>
  );
}
