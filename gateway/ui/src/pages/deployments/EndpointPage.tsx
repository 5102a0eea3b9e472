import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { deleteEndpoint, endpointQuery, invocationsPath, revisionsQuery, type Endpoint, type Revision, type ServedEntity } from "../../api/serving";
import { t } from "../../i18n";
import { number } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Button, Copyable } from "../../ui/controls";
import { ErrorBox, Loaded } from "../../ui/loaded";
import { ConfirmName } from "../../ui/overlay";
import { Page, Section } from "../../ui/page";
import { State } from "../../ui/status";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { endpointState, entitiesOf } from "./endpoint";
import { Entity } from "./EndpointsPage";
import { TryIt } from "./TryIt";

const route = getRouteApi("/app/p/$project/deployments/$endpoint");

export function EndpointPage() {
  const project = useProject();
  const { endpoint: name } = route.useParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const query = useQuery(endpointQuery(name));
  const [deleting, setDeleting] = useState(false);
  const endpoint = query.data;
  const remove = async (): Promise<void> => {
    await deleteEndpoint(name);
    await navigate({ to: "/p/$project/deployments", params: { project }, search: {} });
    await client.invalidateQueries({ queryKey: ["endpoints"] });
  };
  return (
    <Page title={name} crumbs={[{ name: t("nav.deployments"), link: { to: "/p/$project/deployments", params: { project }, search: {} } }]}
      badges={endpoint && <State state={endpointState(endpoint)} />}
      facts={endpoint ? [
        [t("column.created"), <Ago key="created" time={endpoint.creation_timestamp} />],
        [t("column.updated"), <Ago key="updated" time={endpoint.last_updated_timestamp} />],
        [t("endpoints.url"), <Copyable key="url" text={`${window.location.origin}${invocationsPath(name)}`} />],
      ] : []}
      actions={<Button variant="danger" icon="trash" onClick={() => setDeleting(true)}>{t("action.delete")}</Button>}>
      <Loaded query={query} what={t("error.endpoint")}>
        {(found) => (
          <>
            <Served endpoint={found} />
            <TryIt endpoint={found} />
            <Revisions endpoint={name} />
          </>
        )}
      </Loaded>
      <ConfirmName title={t("endpoints.delete")} name={name} text={t("endpoints.deleteText", { name })} open={deleting}
        onClose={() => setDeleting(false)} submit={remove} submitLabel={t("action.delete")} />
    </Page>
  );
}

/** What answers now and, while it changes, what is to answer next. */
function Served({ endpoint }: { endpoint: Endpoint }) {
  const routes = endpoint.config?.traffic_config?.routes ?? [];
  const pending = endpoint.pending_config?.served_entities ?? [];
  const entities = [...entitiesOf(endpoint), ...pending];
  const share = (entity: ServedEntity): number | undefined =>
    pending.includes(entity) ? 0 : routes.find((one) => one.served_model_name === entity.name)?.traffic_percentage;
  const failed = entities.filter((entity) => entity.state?.deployment === "DEPLOYMENT_FAILED" && entity.state.deployment_state_message);
  const columns: Column<ServedEntity>[] = [
    { key: "entity", title: t("endpoints.serves"), className: "name", cell: (entity) => <Entity entity={entity} /> },
    { key: "state", title: t("column.state"), cell: (entity) => <State state={entity.state?.deployment} /> },
    {
      key: "traffic", title: t("endpoints.traffic"), numeric: true,
      cell: (entity) => {
        const percent = share(entity);
        return percent === undefined ? "–" : `${number(percent, 1)} %`;
      },
    },
    { key: "message", title: t("endpoints.message"), className: "muted wrap-anywhere prose-cell", cell: (entity) => entity.state?.deployment_state_message ?? "" },
  ];
  return (
    <Section title={t("endpoints.served")}>
      {failed.map((entity) => <ErrorBox key={entity.entity_version} what={t("endpoints.failed")} error={new Error(entity.state?.deployment_state_message)} />)}
      <Table label={t("endpoints.served")} columns={columns} rows={entities} rowKey={(entity) => `${entity.name} ${entity.entity_version} ${pending.includes(entity)}`} />
    </Section>
  );
}

/** What was brought up so far, the newest first. */
function Revisions({ endpoint }: { endpoint: string }) {
  const revisions = useQuery(revisionsQuery(endpoint)).data ?? [];
  if (revisions.length === 0) return null;
  const columns: Column<Revision>[] = [
    { key: "revision", title: t("endpoints.revision"), className: "num", cell: (one) => one.revision },
    { key: "version", title: t("models.version"), className: "name", cell: (one) => <Entity entity={one} /> },
    { key: "state", title: t("column.state"), cell: (one) => <State state={one.state} /> },
    { key: "created", title: t("column.created"), cell: (one) => <Ago time={one.creation_timestamp} /> },
    { key: "message", title: t("endpoints.message"), className: "muted wrap-anywhere prose-cell", cell: (one) => one.message },
  ];
  return (
    <Section title={t("endpoints.revisions")} count={revisions.length}>
      <Table label={t("endpoints.revisions")} columns={columns} rows={revisions} rowKey={(one) => String(one.revision)} />
    </Section>
  );
}
