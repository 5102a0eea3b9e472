import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { aliasesOf, modelQuery, versionsQuery, type ModelVersion } from "../../api/registry";
import { endpointsQuery, type Endpoint } from "../../api/serving";
import { runQuery } from "../../api/tracking";
import { t } from "../../i18n";
import { metric } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { loadSnippet } from "../../snippets";
import { Snippet } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { Page, Section } from "../../ui/page";
import { State } from "../../ui/status";
import { KeyValues, Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { AliasChip, Aliases } from "./Aliases";
import { metricKeys } from "./metrics";

const route = getRouteApi("/app/p/$project/models/$model");

export function ModelPage() {
  const project = useProject();
  const { model: name } = route.useParams();
  const query = useQuery(modelQuery(name));
  const versions = useQuery(versionsQuery(name));
  const model = query.data;
  const best = model?.aliases?.[0]?.alias;
  return (
    <Page title={name} crumbs={[{ name: t("nav.models"), link: { to: "/p/$project/models", params: { project } } }]}
      badges={model?.aliases?.map((alias) => <AliasChip key={alias.alias} alias={alias.alias} version={alias.version} />)}
      facts={model ? [
        [t("column.created"), <Ago key="created" time={model.creation_timestamp} />],
        [t("column.updated"), <Ago key="updated" time={model.last_updated_timestamp} />],
        ...(model.user_id ? [[t("column.user"), model.user_id] as [string, string]] : []),
      ] : []}
      actions={<Link className="button primary" to="/p/$project/deployments" params={{ project }} search={{ model: name, alias: best }}>{t("models.deploy")}</Link>}>
      <Loaded query={query} what={t("error.model")}>
        {(found) => (
          <>
            {found.description && <p className="muted">{found.description}</p>}
            <Loaded query={versions} what={t("error.versions")}>{(list) => <Versions model={name} versions={list} aliased={found} />}</Loaded>
            {(found.tags ?? []).length > 0 && (
              <Section title={t("run.tags")}><KeyValues label={t("run.tags")} rows={(found.tags ?? []).map((tag) => [tag.key, tag.value])} /></Section>
            )}
            <Section title={t("models.use")}><Snippet label="Python" code={loadSnippet(name, best ? `@${best}` : "/1")} /></Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Endpoints that serve this version now. */
function servedBy(version: ModelVersion, endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.filter((endpoint) => endpoint.config?.served_entities?.some((entity) =>
    entity.entity_name === version.name && entity.entity_version === version.version));
}

function Versions({ model, versions, aliased }: { model: string; versions: readonly ModelVersion[]; aliased: Parameters<typeof aliasesOf>[1] }) {
  const project = useProject();
  const endpoints = useQuery(endpointsQuery).data ?? [];
  const ids = [...new Set(versions.flatMap((version) => version.run_id || []))].slice(0, 50);
  const runs = useQueries({ queries: ids.map(runQuery) }).flatMap((result) => result.data ?? []);
  const runOf = (version: ModelVersion) => runs.find((run) => run.info.run_id === version.run_id);
  const valueOf = (version: ModelVersion, key: string) => runOf(version)?.data.metrics?.find((one) => one.key === key)?.value;
  const columns: Column<ModelVersion>[] = [
    {
      key: "version", title: t("models.version"), className: "name num",
      cell: (version) => <Link to="/p/$project/models/$model/v/$version" params={{ project, model, version: version.version }}>{t("models.versionN", { version: version.version })}</Link>,
    },
    { key: "aliases", title: t("models.aliases"), cell: (version) => <Aliases model={model} version={version.version} aliases={aliasesOf(version, aliased)} /> },
    ...metricKeys(runs).map((key): Column<ModelVersion> => ({
      key: `metric ${key}`, title: <span className="mono">{key}</span>, numeric: true, cell: (version) => metric(valueOf(version, key)),
    })),
    {
      key: "run", title: t("column.run"),
      cell: (version) => version.run_id
        ? <Link to="/p/$project/runs/$run" params={{ project, run: version.run_id }}>{runOf(version)?.info.run_name ?? version.run_id.slice(0, 8)}</Link> : "–",
    },
    {
      key: "endpoint", title: t("models.servedBy"),
      cell: (version) => {
        const serving = servedBy(version, endpoints);
        if (serving.length === 0) return "–";
        return serving.map((endpoint) => (
          <Link key={endpoint.name} to="/p/$project/deployments/$endpoint" params={{ project, endpoint: endpoint.name }}>{endpoint.name}</Link>
        ));
      },
    },
    { key: "status", title: t("column.status"), cell: (version) => <State state={version.status} /> },
    { key: "created", title: t("column.created"), cell: (version) => <Ago time={version.creation_timestamp} /> },
  ];
  return (
    <Section title={t("models.versions")} count={versions.length}>
      {versions.length === 0 ? <p className="muted">{t("models.noVersions")}</p>
        : <Table label={t("models.versions")} columns={columns} rows={versions} rowKey={(version) => version.version} />}
    </Section>
  );
}
