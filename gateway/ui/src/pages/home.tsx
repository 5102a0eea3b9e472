import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { defaultServer, notebookUrl, serverState, userQuery } from "../api/hub";
import { meQuery } from "../api/me";
import { dagsQuery, importErrorsQuery, recentDagRunsQuery, type DagRun } from "../api/scheduler";
import { endpointsQuery } from "../api/serving";
import { experimentsQuery, recentRunsQuery, type Run } from "../api/tracking";
import { t } from "../i18n";
import { useProject } from "../shell/project";
import { dagSnippet, mlflowSnippet, TOKEN, trainSnippet } from "../snippets";
import { Snippet } from "../ui/controls";
import { Loaded } from "../ui/loaded";
import { Empty, Page, Section } from "../ui/page";
import { State } from "../ui/status";
import { Ago, Elapsed } from "../ui/time";
import { lastFailures } from "./failures";
import "./home.css";

export function Home() {
  const { data: me } = useQuery(meQuery);
  const experiments = useQuery(experimentsQuery(""));
  const dags = useQuery(dagsQuery);
  const fresh = experiments.data !== undefined && dags.data !== undefined
    && experiments.data.every((experiment) => experiment.name === "Default") && dags.data.length === 0;
  return (
    <Page title={t("home.title", { name: me?.name ?? "" })}>
      <div className="columns wide">
        <div className="stack loose"><Attention /><Running /><MyServer name={me?.name ?? ""} /></div>
        <div className="stack loose">{fresh ? <FirstSteps /> : <RecentRuns ids={experiments.data?.map((it) => it.experiment_id)} query={experiments} />}</div>
      </div>
    </Page>
  );
}

function Line({ state, name, kind, time }: { state: string; name: ReactNode; kind: string; time?: ReactNode }) {
  return (
    <li className="home-line">
      <State state={state} /><span className="truncate grow">{name}</span><span className="small muted">{kind}</span>
      <span className="small muted num">{time}</span>
    </li>
  );
}

function DagRunLink({ run }: { run: DagRun }) {
  const project = useProject();
  return (
    <Link to="/p/$project/pipelines/$dag/runs/$dagRun" params={{ project, dag: run.dag_id, dagRun: run.dag_run_id }}>
      {run.dag_id} <span className="muted small">{run.dag_run_id}</span>
    </Link>
  );
}

function Attention() {
  const project = useProject();
  const runs = useQuery(recentDagRunsQuery);
  const errors = useQuery(importErrorsQuery).data ?? [];
  const endpoints = (useQuery(endpointsQuery).data ?? []).filter((it) => it.state?.config_update === "UPDATE_FAILED");
  return (
    <Section title={t("home.attention")}>
      <Loaded query={runs} what={t("error.dagRuns")} rows={3}>
        {(found) => {
          const failed = lastFailures(found);
          if (failed.length + errors.length + endpoints.length === 0) return <p className="muted">{t("home.allWell")}</p>;
          return (
            <ul className="panel">
              {errors.map((error) => (
                <Line key={`import ${error.filename}`} state="failed" kind={t("home.importError")}
                  name={<Link to="/p/$project/pipelines" params={{ project }}>{error.filename}</Link>} time={<Ago time={error.timestamp} />} />
              ))}
              {failed.map((run) => (
                <Line key={`${run.dag_id} ${run.dag_run_id}`} state={run.state} kind={t("kind.dagRun")} name={<DagRunLink run={run} />} time={<Ago time={run.end_date} />} />
              ))}
              {endpoints.map((endpoint) => (
                <Line key={`endpoint ${endpoint.name}`} state="UPDATE_FAILED" kind={t("kind.endpoint")}
                  name={<Link to="/p/$project/deployments/$endpoint" params={{ project, endpoint: endpoint.name }}>{endpoint.name}</Link>} />
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Section>
  );
}

function Running() {
  const project = useProject();
  const ids = useQuery(experimentsQuery("")).data?.map((it) => it.experiment_id) ?? [];
  const runs = useQuery(recentRunsQuery(ids, "attributes.status = 'RUNNING'")).data ?? [];
  const dagRuns = (useQuery(recentDagRunsQuery).data ?? []).filter((run) => run.state === "running" || run.state === "queued");
  return (
    <Section title={t("home.running")}>
      {runs.length + dagRuns.length === 0 && <p className="muted">{t("home.nothingRuns")}</p>}
      {runs.length + dagRuns.length > 0 && (
        <ul className="panel">
          {dagRuns.map((run) => (
            <Line key={`${run.dag_id} ${run.dag_run_id}`} state={run.state} kind={t("kind.dagRun")} name={<DagRunLink run={run} />}
              time={<Elapsed start={run.start_date} end={run.end_date} />} />
          ))}
          {runs.map((run) => (
            <Line key={run.info.run_id} state={run.info.status} kind={t("kind.run")}
              name={<Link to="/p/$project/runs/$run" params={{ project, run: run.info.run_id }}>{run.info.run_name || run.info.run_id}</Link>}
              time={<Elapsed start={run.info.start_time} end={run.info.end_time} />} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function MyServer({ name }: { name: string }) {
  const project = useProject();
  const user = useQuery({ ...userQuery(name), enabled: name !== "" });
  return (
    <Section title={t("notebooks.mine")}>
      <Loaded query={user} what={t("error.server")} rows={1}>
        {(found) => {
          const server = defaultServer(found);
          return (
            <div className="panel padded row">
              <State state={serverState(server)} />
              {server?.ready && <span className="small muted">{t("notebooks.active")} <Ago time={server.last_activity} /></span>}
              <span className="end row">
                {server?.ready && <a className="button primary" href={notebookUrl(name)} target="_blank" rel="noreferrer">{t("notebooks.open")}</a>}
                <Link className="button" to="/p/$project/notebooks" params={{ project }}>{t("notebooks.manage")}</Link>
              </span>
            </div>
          );
        }}
      </Loaded>
    </Section>
  );
}

function RecentRuns({ ids, query }: { ids: string[] | undefined; query: Parameters<typeof Loaded>[0]["query"] }) {
  const runs = useQuery(recentRunsQuery(ids ?? []));
  return (
    <Section title={t("home.recentRuns")}>
      {ids === undefined ? <Loaded query={query} what={t("error.runs")}>{() => null}</Loaded> : (
        <Loaded query={runs} what={t("error.runs")}>
          {(found) => found.length === 0 ? <p className="muted">{t("home.noRuns")}</p> : <ul className="panel">{found.map((run) => <RecentRun key={run.info.run_id} run={run} />)}</ul>}
        </Loaded>
      )}
    </Section>
  );
}

function RecentRun({ run }: { run: Run }) {
  const project = useProject();
  return (
    <Line state={run.info.status} kind={run.info.user_id ?? ""} time={<Ago time={run.info.start_time} />}
      name={<Link to="/p/$project/runs/$run" params={{ project, run: run.info.run_id }}>{run.info.run_name || run.info.run_id}</Link>} />
  );
}

function FirstSteps() {
  const project = useProject();
  return (
    <Empty title={t("home.firstSteps")}>
      <p>{t("home.step.notebook")} <Link to="/p/$project/notebooks" params={{ project }}>{t("notebooks.start")}</Link></p>
      <p>{t("home.step.token")} <Link to="/settings">{t("settings.createToken")}</Link></p>
      <Snippet label="MLflow" code={mlflowSnippet(TOKEN)} />
      <Snippet label="train.py" code={trainSnippet()} />
      <p>{t("home.step.dag")}</p>
      <Snippet label="hello.py" code={dagSnippet()} />
    </Empty>
  );
}
