"""What the server says of itself, and the web app's GraphQL."""

from case import get, post

GRAPHQL = "/graphql"


def graphql(label: str, query: str, variables: dict | None = None):
    return post(label, GRAPHQL, {"query": query, **({"variables": variables} if variables else {})})


CASES = [
    get("health", "/health"),
    get("version", "/version"),
    get("info", "/api/3.0/mlflow/server-info"),
    get("info for the web app", "/ajax-api/3.0/mlflow/server-info"),
    post("an experiment", "experiments/create", {"name": "graphql"}, keep={"exp": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    graphql("graphql: a run", "query GetRun($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) { apiError { code message } run { info { runName runId status experimentId startTime } data { tags { key value } } } } }", {"data": {"runId": "${run}"}}),
    graphql("graphql: an unknown run", "query GetRun($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) { apiError { code message } run { info { runName } } } }", {"data": {"runId": "0" * 32}}),
    graphql("graphql: an experiment", "query E($input: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $input) { apiError { code } experiment { name lifecycleStage experimentId artifactLocation } } }", {"input": {"experimentId": "${exp}"}}),
    graphql("graphql: versions", "query V($data: MlflowSearchModelVersionsInput!) { mlflowSearchModelVersions(input: $data) { apiError { code } modelVersions { name version } } }", {"data": {"filter": "name = 'none'"}}),
    graphql("graphql: runs", "query R($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { runs { info { runName } } } }", {"data": {"experimentIds": ["${exp}"]}}),
    graphql("graphql: a test", "{ test(inputString: \"a\") { output } }"),
    graphql("graphql: an unknown field", "{ nothing }"),
    graphql("graphql: no query", ""),
    graphql("graphql: broken", "{ test("),
]  # fmt: skip
