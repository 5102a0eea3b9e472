/** Every address of the web app. A path names an object, the search part names the view of it. */
import { createRootRoute, createRoute, createRouter, Outlet, redirect } from "@tanstack/react-router";
import { ApiError } from "./api/http";
import { meQuery } from "./api/me";
import { queryClient } from "./api/query";
import { page } from "./page";
import { Crashed, NotFound, Waiting } from "./pages/fallback";
import {
  artifactSearch, chartSearch, compareSearch, deploySearch, filterSearch, graphSearch, loginSearch, parseSearch, runsSearch, stringifySearch,
  taskSearch,
} from "./search";
import { DEFAULT_PROJECT } from "./shell/project";
import { Shell } from "./shell/Shell";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, beforeLoad: ({ location }) => legacy(location.pathname, location.hash) });

const login = createRoute({
  getParentRoute: () => root, path: "/login", validateSearch: loginSearch,
  component: page(() => import("./pages/login"), "Login"),
});

/** Everything behind the login. */
const app = createRoute({
  getParentRoute: () => root, id: "app", component: Shell,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw redirect({ to: "/login", search: { next: location.href } });
      throw error;
    }
  },
});

const start = createRoute({
  getParentRoute: () => app, path: "/",
  beforeLoad: () => { throw redirect({ to: "/p/$project", params: { project: DEFAULT_PROJECT } }); },
});
const project = createRoute({ getParentRoute: () => app, path: "/p/$project" });
const home = createRoute({ getParentRoute: () => project, path: "/", component: page(() => import("./pages/home"), "Home") });
const notebooks = createRoute({
  getParentRoute: () => project, path: "notebooks", component: page(() => import("./pages/notebooks/NotebooksPage"), "NotebooksPage"),
});

const experiments = createRoute({
  getParentRoute: () => project, path: "experiments", validateSearch: filterSearch,
  component: page(() => import("./pages/experiments/ExperimentsPage"), "ExperimentsPage"),
});
const experiment = createRoute({
  getParentRoute: () => project, path: "experiments/$experiment", validateSearch: runsSearch,
  component: page(() => import("./pages/experiments/ExperimentPage"), "ExperimentPage"),
});
const compare = createRoute({
  getParentRoute: () => project, path: "experiments/$experiment/compare", validateSearch: compareSearch,
  component: page(() => import("./pages/experiments/ComparePage"), "ComparePage"),
});

const run = createRoute({
  getParentRoute: () => project, path: "runs/$run", component: page(() => import("./pages/run/RunPage"), "RunPage"),
});
const runOverview = createRoute({
  getParentRoute: () => run, path: "/", component: page(() => import("./pages/run/Overview"), "Overview"),
});
const runMetrics = createRoute({
  getParentRoute: () => run, path: "metrics", validateSearch: chartSearch,
  component: page(() => import("./pages/run/Metrics"), "Metrics"),
});
const runArtifacts = createRoute({
  getParentRoute: () => run, path: "artifacts", validateSearch: artifactSearch,
  component: page(() => import("./pages/run/Artifacts"), "Artifacts"),
});

const models = createRoute({
  getParentRoute: () => project, path: "models", validateSearch: filterSearch,
  component: page(() => import("./pages/models/ModelsPage"), "ModelsPage"),
});
const model = createRoute({
  getParentRoute: () => project, path: "models/$model", component: page(() => import("./pages/models/ModelPage"), "ModelPage"),
});
const version = createRoute({
  getParentRoute: () => project, path: "models/$model/v/$version",
  component: page(() => import("./pages/models/VersionPage"), "VersionPage"),
});

const pipelines = createRoute({
  getParentRoute: () => project, path: "pipelines", validateSearch: filterSearch,
  component: page(() => import("./pages/pipelines/DagsPage"), "DagsPage"),
});
const dag = createRoute({
  getParentRoute: () => project, path: "pipelines/$dag", component: page(() => import("./pages/pipelines/DagPage"), "DagPage"),
});
const dagGrid = createRoute({
  getParentRoute: () => dag, path: "/", component: page(() => import("./pages/pipelines/GridView"), "GridView"),
});
const dagGraph = createRoute({
  getParentRoute: () => dag, path: "graph", validateSearch: graphSearch,
  component: page(() => import("./pages/pipelines/GraphView"), "GraphView"),
});
const dagRuns = createRoute({
  getParentRoute: () => dag, path: "runs", component: page(() => import("./pages/pipelines/RunsView"), "RunsView"),
});
const dagCode = createRoute({
  getParentRoute: () => dag, path: "code", component: page(() => import("./pages/pipelines/CodeView"), "CodeView"),
});
const dagRun = createRoute({
  getParentRoute: () => project, path: "pipelines/$dag/runs/$dagRun",
  component: page(() => import("./pages/pipelines/DagRunPage"), "DagRunPage"),
});
const task = createRoute({
  getParentRoute: () => dagRun, path: "tasks/$task", validateSearch: taskSearch,
  component: page(() => import("./pages/pipelines/TaskLog"), "TaskLog"),
});

const deployments = createRoute({
  getParentRoute: () => project, path: "deployments", validateSearch: deploySearch,
  component: page(() => import("./pages/deployments/EndpointsPage"), "EndpointsPage"),
});
const endpoint = createRoute({
  getParentRoute: () => project, path: "deployments/$endpoint",
  component: page(() => import("./pages/deployments/EndpointPage"), "EndpointPage"),
});

/** Anything else, with the navigation around it. */
const nowhere = createRoute({ getParentRoute: () => app, path: "$", component: NotFound });

const users = createRoute({ getParentRoute: () => app, path: "/admin/users", component: page(() => import("./pages/users"), "Users") });
const settings = createRoute({ getParentRoute: () => app, path: "/settings", component: page(() => import("./pages/settings"), "Settings") });

/** Addresses of the tools that people come from: `/#/experiments/1/runs/…`, `/#/models/…`, `/dags/…`. */
function legacy(pathname: string, hash: string): void {
  const params = { project: DEFAULT_PROJECT };
  const [, first, second, third, fourth] = hash.startsWith("/") ? hash.split("/").map(decodeURIComponent) : [];
  if (first === "experiments" && third === "runs" && fourth) throw redirect({ to: "/p/$project/runs/$run", params: { ...params, run: fourth } });
  if (first === "experiments" && second) throw redirect({ to: "/p/$project/experiments/$experiment", params: { ...params, experiment: second } });
  if (first === "models" && second) throw redirect({ to: "/p/$project/models/$model", params: { ...params, model: second } });
  const dagId = /^\/dags\/([^/]+)/.exec(pathname)?.[1];
  if (dagId) throw redirect({ to: "/p/$project/pipelines/$dag", params: { ...params, dag: decodeURIComponent(dagId) } });
}

const tree = root.addChildren([
  login,
  app.addChildren([
    start,
    project.addChildren([
      home, notebooks, experiments, experiment, compare, run.addChildren([runOverview, runMetrics, runArtifacts]), models, model, version,
      pipelines, dag.addChildren([dagGrid, dagGraph, dagRuns, dagCode]), dagRun.addChildren([task]), deployments, endpoint,
    ]),
    users, settings, nowhere,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: Crashed,
  defaultPendingComponent: Waiting,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register { router: typeof router }
}
