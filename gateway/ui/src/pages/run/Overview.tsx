import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { runVersionsQuery } from "../../api/registry";
import { endpointsQuery } from "../../api/serving";
import { runQuery, type Run } from "../../api/tracking";
import { t } from "../../i18n";
import { metric } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Copyable } from "../../ui/controls";
import { Section } from "../../ui/page";
import { State } from "../../ui/status";
import { KeyValues, Table, type Column } from "../../ui/table";
import { tagOf } from "./RunPage";

const route = getRouteApi("/app/p/$project/runs/$run");

export function Overview() {
  const { run: id } = route.useParams();
  const { data: run } = useQuery(runQuery(id));
  if (!run) return null;
  const byKey = <T extends { key: string }>(items: readonly T[] | undefined): T[] => (items ?? []).toSorted((a, b) => a.key.localeCompare(b.key));
  const metrics = byKey(run.data.metrics);
  const params = byKey(run.data.params);
  const tags = byKey(run.data.tags).filter((tag) => !tag.key.startsWith("mlflow."));
  return (
    <div className="with-rail">
      <div className="stack loose">
        <div className="columns">
          <Section title={t("run.metrics")} count={metrics.length}>
            {metrics.length === 0 ? <p className="muted">{t("run.noMetrics")}</p>
              : <KeyValues label={t("run.metrics")} rows={metrics.map((one) => [one.key, metric(one.value)])} />}
          </Section>
          <Section title={t("run.params")} count={params.length}>
            {params.length === 0 ? <p className="muted">{t("run.noParams")}</p>
              : <KeyValues label={t("run.params")} rows={params.map((one) => [one.key, <code key={one.key}>{one.value}</code>])} />}
          </Section>
        </div>
        <Datasets run={run} />
        {tags.length > 0 && (
          <Section title={t("run.tags")} count={tags.length}>
            <KeyValues label={t("run.tags")} rows={tags.map((tag) => [tag.key, tag.value])} />
          </Section>
        )}
      </div>
      <Context run={run} />
    </div>
  );
}

function Datasets({ run }: { run: Run }) {
  const inputs = run.inputs?.dataset_inputs ?? [];
  if (inputs.length === 0) return null;
  const columns: Column<(typeof inputs)[number]>[] = [
    { key: "name", title: t("column.name"), className: "name", cell: (input) => input.dataset.name },
    { key: "digest", title: t("run.digest"), cell: (input) => <Copyable text={input.dataset.digest} /> },
    { key: "context", title: t("run.context"), cell: (input) => input.tags?.find((tag) => tag.key === "mlflow.data.context")?.value ?? "–" },
    { key: "size", title: t("run.profile"), cell: (input) => <span className="num">{profile(input.dataset.profile)}</span> },
    { key: "source", title: t("run.source"), cell: (input) => input.dataset.source_type ?? "–" },
  ];
  return (
    <Section title={t("run.datasets")} count={inputs.length}>
      <Table label={t("run.datasets")} columns={columns} rows={inputs} rowKey={(input) => `${input.dataset.name} ${input.dataset.digest}`} />
    </Section>
  );
}

/** `{"num_rows": 178, "num_elements": 2492}` in words. */
function profile(json: string | null | undefined): string {
  try {
    const parsed = JSON.parse(json ?? "") as { num_rows?: number };
    return parsed.num_rows === undefined ? "–" : t("run.rows", { count: parsed.num_rows });
  } catch {
    return "–";
  }
}

/** What the run came from and what came of it, in one fixed order; what is missing says how to record it. */
function Context({ run }: { run: Run }) {
  const project = useProject();
  const versions = useQuery(runVersionsQuery(run.info.run_id)).data ?? [];
  const endpoints = useQuery(endpointsQuery).data ?? [];
  const commit = tagOf(run, "mlflow.source.git.commit");
  const datasets = run.inputs?.dataset_inputs ?? [];
  const serving = endpoints.filter((endpoint) => endpoint.config?.served_entities?.some((entity) =>
    versions.some((version) => version.name === entity.entity_name && version.version === entity.entity_version)));
  return (
    <aside className="panel padded stack" aria-label={t("context.title")}>
      <h2>{t("context.title")}</h2>
      <dl className="context">
        <Entry name={t("context.commit")} missing={t("context.commitHow")}>{commit && <Copyable text={commit} shown={commit.slice(0, 10)} />}</Entry>
        <Entry name={t("context.dataset")} missing={<code>mlflow.log_input(dataset)</code>}>
          {datasets.length > 0 && datasets.map((input) => <span key={input.dataset.digest}>{input.dataset.name}</span>)}
        </Entry>
        <Entry name={t("context.version")} missing={<code>mlflow.register_model(…)</code>}>
          {versions.length > 0 && versions.map((version) => (
            <Link key={`${version.name} ${version.version}`} to="/p/$project/models/$model/v/$version" params={{ project, model: version.name, version: version.version }}>
              {t("models.versionOf", { model: version.name, version: version.version })}
            </Link>
          ))}
        </Entry>
        <Entry name={t("context.deployment")} missing={t("context.deploymentHow")}>
          {serving.length > 0 && serving.map((endpoint) => (
            <span key={endpoint.name} className="row">
              <Link to="/p/$project/deployments/$endpoint" params={{ project, endpoint: endpoint.name }}>{endpoint.name}</Link>
              <State state={endpoint.state?.ready} bare />
            </span>
          ))}
        </Entry>
      </dl>
    </aside>
  );
}

function Entry({ name, missing, children }: { name: string; missing: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children || <span className="small muted">{missing}</span>}</dd>
    </div>
  );
}
