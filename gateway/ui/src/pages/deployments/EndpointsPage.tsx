import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { modelsQuery, versionsQuery } from "../../api/registry";
import { createEndpoint, endpointsQuery, type Endpoint, type ServedEntity, type Wanted } from "../../api/serving";
import { t } from "../../i18n";
import type { DeploySearch } from "../../search";
import { useProject } from "../../shell/project";
import { endpointSnippet, TOKEN } from "../../snippets";
import { Button, Field, Snippet } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { FormDialog } from "../../ui/overlay";
import { Empty, Page } from "../../ui/page";
import { State } from "../../ui/status";
import { Table, type Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { endpointState, entitiesOf } from "./endpoint";

const route = getRouteApi("/app/p/$project/deployments");

export function EndpointsPage() {
  const project = useProject();
  const search = route.useSearch();
  const navigate = useNavigate();
  const endpoints = useQuery(endpointsQuery);
  const [open, setOpen] = useState(search.model !== undefined);
  const close = (): void => {
    setOpen(false);
    void navigate({ to: "/p/$project/deployments", params: { project }, search: {}, replace: true });
  };
  const columns: Column<Endpoint>[] = [
    {
      key: "name", title: t("column.name"), className: "name",
      cell: (endpoint) => <Link to="/p/$project/deployments/$endpoint" params={{ project, endpoint: endpoint.name }}>{endpoint.name}</Link>,
    },
    { key: "state", title: t("column.state"), cell: (endpoint) => <State state={endpointState(endpoint)} /> },
    {
      key: "serves", title: t("endpoints.serves"),
      cell: (endpoint) => <span className="row wrap">{entitiesOf(endpoint).map((entity) => <Entity key={entity.name ?? entity.entity_name} entity={entity} />)}</span>,
    },
    { key: "created", title: t("column.created"), cell: (endpoint) => <Ago time={endpoint.creation_timestamp} /> },
    { key: "updated", title: t("column.updated"), cell: (endpoint) => <Ago time={endpoint.last_updated_timestamp} /> },
  ];
  return (
    <Page title={t("nav.deployments")} actions={<Button variant="primary" icon="plus" onClick={() => setOpen(true)}>{t("endpoints.create")}</Button>}>
      <Loaded query={endpoints} what={t("error.endpoints")}>
        {(found) => found.length > 0 ? <Table label={t("nav.deployments")} columns={columns} rows={found} rowKey={(endpoint) => endpoint.name} /> : (
          <Empty title={t("endpoints.empty")}>
            <p>{t("endpoints.emptyHow")} <Link to="/settings">{t("settings.createToken")}</Link></p>
            <Snippet label="curl" code={endpointSnippet(TOKEN)} />
          </Empty>
        )}
      </Loaded>
      {open && <CreateEndpoint from={search} onClose={close} />}
    </Page>
  );
}

/** wine v2 @champion: what is served, and the alias that decides it. */
export function Entity({ entity }: { entity: Pick<ServedEntity, "entity_name" | "entity_version" | "alias"> }) {
  const project = useProject();
  return (
    <span className="row">
      <Link to="/p/$project/models/$model" params={{ project, model: entity.entity_name }}>{entity.entity_name}</Link>
      {entity.entity_version && (
        <Link className="num" to="/p/$project/models/$model/v/$version" params={{ project, model: entity.entity_name, version: entity.entity_version }}>
          {t("models.versionN", { version: entity.entity_version })}
        </Link>
      )}
      {entity.alias && <span className="chip alias">@{entity.alias}</span>}
    </span>
  );
}

function CreateEndpoint({ from, onClose }: { from: DeploySearch; onClose: () => void }) {
  const project = useProject();
  const navigate = useNavigate();
  const client = useQueryClient();
  const models = useQuery(modelsQuery("")).data ?? [];
  const [model, setModel] = useState(from.model ?? "");
  const [typedName, setName] = useState<string | null>(null);
  const [target, setTarget] = useState(from.alias ? `@${from.alias}` : from.version ?? "");
  const chosen = model || models[0]?.name || "";
  const versions = useQuery({ ...versionsQuery(chosen), enabled: chosen !== "" }).data ?? [];
  const aliases = models.find((one) => one.name === chosen)?.aliases ?? [];
  const bound = target || (aliases[0] ? `@${aliases[0].alias}` : versions[0]?.version ?? "");
  const name = typedName ?? chosen.replaceAll(/[^\w-]+/g, "-");
  const submit = async (): Promise<void> => {
    const wanted: Wanted = bound.startsWith("@") ? { entity_name: chosen, alias: bound.slice(1) } : { entity_name: chosen, entity_version: bound };
    await createEndpoint(name, wanted);
    await client.invalidateQueries({ queryKey: ["endpoints"] });
  };
  const show = (): void => void navigate({ to: "/p/$project/deployments/$endpoint", params: { project, endpoint: name } });
  return (
    <FormDialog title={t("endpoints.create")} open onClose={onClose} submit={submit} onDone={show} submitLabel={t("endpoints.create")} ready={name !== "" && bound !== ""}>
      <Field label={t("endpoints.model")} hint={models.length === 0 ? t("endpoints.noModels") : undefined}>
        {(attributes) => (
          <select {...attributes} className="input" value={chosen} onChange={(event) => {
            setModel(event.target.value);
            setTarget("");
          }}>
            {models.map((one) => <option key={one.name}>{one.name}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("endpoints.target")} hint={t("endpoints.targetHint")}>
        {(attributes) => (
          <select {...attributes} className="input" value={bound} onChange={(event) => setTarget(event.target.value)}>
            {aliases.map((alias) => <option key={alias.alias} value={`@${alias.alias}`}>@{alias.alias} ({t("models.versionN", { version: alias.version })})</option>)}
            {versions.map((version) => <option key={version.version} value={version.version}>{t("models.versionN", { version: version.version })}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("endpoints.name")} hint={t("endpoints.nameHint")}>
        {(attributes) => <input {...attributes} className="input mono" value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />}
      </Field>
    </FormDialog>
  );
}
