import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { aliasesOf, loggedModelOf, modelQuery, versionQuery, type ModelVersion } from "../../api/registry";
import { send } from "../../api/http";
import { modelFileUrl, runQuery, type Run } from "../../api/tracking";
import { t } from "../../i18n";
import { metric } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { loadSnippet } from "../../snippets";
import { Copyable, Snippet } from "../../ui/controls";
import { ErrorBox, Loaded } from "../../ui/loaded";
import { Page, Section } from "../../ui/page";
import { State } from "../../ui/status";
import { KeyValues } from "../../ui/table";
import { Ago } from "../../ui/time";
import { Aliases } from "./Aliases";

const route = getRouteApi("/app/p/$project/models/$model/v/$version");

export function VersionPage() {
  const project = useProject();
  const { model, version: number } = route.useParams();
  const query = useQuery(versionQuery(model, number));
  const registered = useQuery(modelQuery(model));
  const version = query.data;
  return (
    <Page title={t("models.versionOf", { model, version: number })}
      crumbs={[
        { name: t("nav.models"), link: { to: "/p/$project/models", params: { project } } },
        { name: model, link: { to: "/p/$project/models/$model", params: { project, model } } },
      ]}
      badges={version && <State state={version.status} />}
      facts={version ? [
        [t("column.created"), <Ago key="created" time={version.creation_timestamp} />],
        [t("models.source"), <Copyable key="source" text={version.source ?? ""} />],
      ] : []}
      actions={<Link className="button primary" to="/p/$project/deployments" params={{ project }} search={{ model, version: number }}>{t("models.deploy")}</Link>}>
      <Loaded query={query} what={t("error.version")}>
        {(found) => (
          <>
            {found.status_message && <ErrorBox what={t("models.notReady")} error={new Error(found.status_message)} />}
            {found.description && <p className="muted">{found.description}</p>}
            <Section title={t("models.aliases")}><Aliases model={model} version={number} aliases={aliasesOf(found, registered.data)} /></Section>
            <FromRun version={found} />
            <ModelFile version={found} />
            {(found.tags ?? []).length > 0 && (
              <Section title={t("run.tags")}><KeyValues label={t("run.tags")} rows={(found.tags ?? []).map((tag) => [tag.key, tag.value])} /></Section>
            )}
            <Section title={t("models.use")}><Snippet label="Python" code={loadSnippet(model, `/${number}`)} /></Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function FromRun({ version }: { version: ModelVersion }) {
  const project = useProject();
  const id = version.run_id ?? "";
  const run = useQuery({ ...runQuery(id), enabled: id !== "" });
  if (id === "") return <p className="muted">{t("models.noRun")}</p>;
  const rows = (data: Run["data"]) => [
    ...(data.metrics ?? []).map((one) => [one.key, metric(one.value)] as const),
    ...(data.params ?? []).map((one) => [one.key, <code key={one.key}>{one.value}</code>] as const),
  ];
  return (
    <Section title={t("column.run")}>
      <Loaded query={run} what={t("error.run")}>
        {(found) => (
          <div className="stack">
            <div className="row"><Link to="/p/$project/runs/$run" params={{ project, run: id }}>{found.info.run_name || id}</Link><State state={found.info.status} /></div>
            {rows(found.data).length > 0 && <KeyValues label={t("run.metricsAndParams")} rows={rows(found.data)} />}
          </div>
        )}
      </Loaded>
    </Section>
  );
}

/** The model's own description of itself: flavours, signature, requirements. */
function ModelFile({ version }: { version: ModelVersion }) {
  const id = loggedModelOf(version);
  const url = modelFileUrl(id, "MLmodel");
  const file = useQuery({ queryKey: ["model-file", url], queryFn: async ({ signal }) => (await send(url, { signal })).text(), enabled: id !== "" });
  if (!file.data) return null;
  return <Section title="MLmodel"><pre className="panel padded model-file" tabIndex={0} role="region" aria-label="MLmodel">{file.data}</pre></Section>;
}
