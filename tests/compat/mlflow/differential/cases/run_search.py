"""Search of runs: every kind of key with every operator, every order, pages."""

from case import post

SEARCH = "runs/search"
IN = {"experiment_ids": ["${exp}"]}
OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL", "RLIKE", "==")
RUNS = (
    {"name": "Alpha", "start": 1000, "end": 9000, "status": "FINISHED", "user": "ann", "metrics": {"loss": 0.5, "acc": 0.9}, "params": {"lr": "0.1", "Opt": "SGD"}, "tags": {"team": "nlp", "a key": "x"}},
    {"name": "beta", "start": 2000, "end": 8000, "status": "FAILED", "user": "bob", "metrics": {"loss": 0.25, "acc": "NaN"}, "params": {"lr": "0.01", "Opt": "adam"}, "tags": {"team": "Vision"}},
    {"name": "Gamma_1", "start": 3000, "end": None, "status": None, "user": "Ann", "metrics": {"loss": "NaN"}, "params": {"lr": "0.1"}, "tags": {}},
    {"name": "дельта", "start": 4000, "end": 7000, "status": "KILLED", "user": "", "metrics": {"loss": "Infinity"}, "params": {}, "tags": {"team": "nlp_2"}},
    {"name": "epsilon", "start": 5000, "end": 7000, "status": "FINISHED", "user": "eve", "metrics": {}, "params": {"lr": "1%", "Opt": "sgd"}, "tags": {"team": "NLP"}},
    {"name": "zeta's", "start": 5500, "end": 6000, "status": "SCHEDULED", "user": "zed", "metrics": {"loss": -1, "acc": 0.9}, "params": {"lr": ""}, "tags": {"team": ""}},
    {"name": "eta", "start": 6000, "end": 6500, "status": "FINISHED", "user": "eve", "metrics": {"loss": "-Infinity", "acc": 0}, "params": {"Opt": "Adam"}, "tags": {"team": "nlp"}},
)  # fmt: skip
KEYS = {
    "metrics.loss": "0.25", "metric.acc": "0.9", "metrics.none": "1", "params.lr": "'0.1'", "param.Opt": "'sgd'", "parameter.lr": "'0.1'", "params.none": "'x'", "tags.team": "'nlp'", "tag.team": "'nlp'",
    "tags.none": "'x'", "attributes.status": "'FINISHED'", "attribute.run_name": "'Alpha'", "attr.user_id": "'ann'", "run.start_time": "4000", "attributes.end_time": "7000", "attributes.artifact_uri": "'x'",
    "attributes.run_id": "'${run0}'", "run_id": "'${run0}'", "status": "'FINISHED'", "run_name": "'Alpha'", "start_time": "4000", "user_id": "'ann'", "attributes.created": "4000", "attributes.\"Run name\"": "'Alpha'",
    "attributes.experiment_id": "'0'", "attributes.lifecycle_stage": "'active'", "attributes.unknown": "'x'", "datasets.name": "'wine'", "dataset.digest": "'d1'", "datasets.context": "'train'", "datasets.unknown": "'x'",
}  # fmt: skip
FILTERS = {
    "metric below zero": "metrics.loss < 0", "metric of text": "metrics.loss = '0.5'", "metric in quotes": 'metrics."loss" > 0', "metric in backticks": "metrics.`loss` > 0", "metric exponent": "metrics.loss < 1e3",
    "metric negative": "metrics.loss >= -1.0", "metric plus": "metrics.loss > +0.1", "metric of a word": "metrics.loss > high", "metric like": "metrics.loss LIKE '0%'", "metric NaN": "metrics.loss = NaN", "metric inf": "metrics.loss > inf",
    "param of number": "params.lr = 0.1", "param double quotes": 'params.lr = "0.1"', "param like": "params.Opt LIKE '%d%'", "param ilike": "params.Opt ILIKE 'ADAM'", "param like of a percent": "params.lr LIKE '1%'", "param like underscore": "tags.team LIKE 'nlp_2'",
    "tag of a key of words": "tags.`a key` = 'x'", "tag of a key in quotes": 'tags."a key" = \'x\'', "tag with dots": "tags.mlflow.runName = 'Alpha'", "tag with dots in quotes": "tags.`mlflow.runName` = 'Alpha'", "tag user": "tags.mlflow.user = 'ann'",
    "tag not like": "tags.team NOT LIKE 'n%'", "tag unequal": "tags.team != 'nlp'", "two of one tag": "tags.team LIKE 'n%' AND tags.team LIKE '%p'", "three kinds": "metrics.loss > 0 AND params.lr = '0.1' AND tags.team = 'nlp'",
    "small letters": "metrics.loss > 0 and params.lr like '0%'", "or": "metrics.loss > 0 OR metrics.loss < 0", "not": "NOT metrics.loss > 0", "parentheses": "(metrics.loss > 0)", "ids in": "attributes.run_id IN ('${run0}', '${run1}')",
    "ids in double quotes": 'run_id IN ("${run0}")', "ids not in": "run_id NOT IN ('${run0}')", "ids in one": "run_id IN ('${run0}',)", "ids in nothing": "run_id IN ()", "ids in numbers": "run_id IN (1, 2)", "names in": "run_name IN ('Alpha', 'beta')", "status in": "status IN ('FINISHED', 'FAILED')",
    "status by number": "status = 3", "status small": "status = 'finished'", "status unknown": "status = 'DONE'", "status like": "status LIKE 'F%'", "start as text": "start_time > '3000'", "start as fraction": "start_time > 3000.5", "end is null": "end_time IS NULL", "name ilike": "run_name ILIKE 'GAMMA%'",
    "name unicode": "run_name = 'дельта'", "name apostrophe": "run_name = \"zeta's\"", "name with a space key": "attributes.`run name` = 'Alpha'", "name Name": "attributes.`Run Name` = 'Alpha'", "name run name": "`run name` = 'Alpha'", "no entity": "loss > 0", "unknown entity": "things.loss > 0",
    "empty": "", "blank": "  ", "no value": "metrics.loss >", "no operator": "metrics.loss 5", "value first": "5 > metrics.loss", "key only": "metrics.loss", "two without and": "metrics.loss > 0 metrics.acc > 0", "ends with and": "metrics.loss > 0 AND", "begins with and": "AND metrics.loss > 0",
    "semicolon": "metrics.loss > 0; DROP TABLE runs", "comment": "metrics.loss > 0 -- x", "open quote": "params.lr = '0.1", "empty key": "metrics. > 0", "between": "metrics.loss BETWEEN 0 AND 1", "newlines": "metrics.loss > 0\nAND\tparams.lr = '0.1'", "no spaces": "metrics.loss>0 AND params.lr='0.1'",
    "datasets in": "datasets.name IN ('wine', 'iris')", "datasets not in": "datasets.name NOT IN ('wine')", "datasets like": "datasets.digest LIKE 'd%'", "datasets of two": "datasets.name = 'wine' AND datasets.context = 'train'", "datasets unequal": "datasets.name != 'wine'", "datasets ilike": "dataset.name ILIKE 'WINE'",
    "is null of a metric": "metrics.loss IS NULL", "is not null of a param": "params.Opt IS NOT NULL", "is null of a param": "params.lr IS NULL", "is null small": "params.lr is null", "is null and more": "tags.team IS NOT NULL AND metrics.loss > 0", "model id": "metrics.loss > 0 AND attributes.model_id = 'x'",
    "unicode key": "tags.`ключ` = 'x'", "a long filter": " AND ".join(["metrics.loss > -5"] * 20), "prompt": "tags.`mlflow.linkedPrompts` = 'a'", "null byte": "run_name = 'a\u0000b'",
}  # fmt: skip
ORDERS = (
    ["metrics.loss"], ["metrics.loss ASC"], ["metrics.loss DESC"], ["metrics.acc desc"], ["params.lr"], ["params.Opt DESC"], ["tags.team ASC"], ["tags.team DESC"], ["start_time"], ["attributes.start_time DESC"], ["attribute.end_time ASC"], ["end_time DESC"], ["status ASC"],
    ["run_name"], ["attributes.run_name DESC"], ["`run name` ASC"], ["user_id"], ["attributes.user_id DESC"], ["created DESC"], ["attributes.Created ASC"], ["`Start Time` DESC"], ["metrics.none"], ["params.none DESC"], ["metrics.`loss` ASC"], ["metrics.\"loss\" ASC"], ["tags.`a key`"],
    ["params.lr ASC", "metrics.loss DESC"], ["start_time ASC", "run_name DESC"], ["metrics.loss", "metrics.loss"], ["metrics.loss ASC", "metrics.acc ASC", "params.lr DESC", "tags.team"], ["unknown"], ["attributes.unknown"], ["things.x"], [""], ["metrics.loss UP"], ["metrics.loss ASC DESC"],
    "metrics.loss", [5], ["metrics."], ["datasets.name"], ["experiment_id"], ["lifecycle_stage"], ["metrics.loss ASC NULLS FIRST"],
)  # fmt: skip
NUMBERS = (0, 1, -1, 50000, 50001, "3", "x", 2.5, None, True)
VIEWS = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", "all", "", 1, 2, 3, 9, None)
EXPERIMENTS = {"absent": {}, "none": {"experiment_ids": []}, "text": {"experiment_ids": "${exp}"}, "unknown": {"experiment_ids": ["987654"]}, "no number": {"experiment_ids": ["abc"]}, "two": {"experiment_ids": ["${exp}", "0"]}, "twice": {"experiment_ids": ["${exp}", "${exp}"]}, "empty": {"experiment_ids": [""]}, "null": {"experiment_ids": None}, "a number": {"experiment_ids": [0]}}


def expression(key: str, operator: str, value: str) -> str:
    if operator.startswith("IS"):
        return f"{key} {operator}"
    return f"{key} {operator} ({value})" if operator.endswith("IN") else f"{key} {operator} {value}"


def made(i: int, run: dict) -> list:
    """A run with what `RUNS` says of it."""
    of = {"run_id": f"${{run{i}}}"}
    batch = {
        "metrics": [{"key": k, "value": v, "timestamp": 1, "step": 0} for k, v in run["metrics"].items()],
        "params": [{"key": k, "value": v} for k, v in run["params"].items()],
        "tags": [{"key": k, "value": v} for k, v in run["tags"].items()],
    }
    tags = [{"key": "mlflow.user", "value": run["user"]}]
    steps = [
        post(f"run {i}", "runs/create", {**IN, "experiment_id": "${exp}", "start_time": run["start"], "run_name": run["name"], "user_id": run["user"], "tags": tags}, keep={f"run{i}": "run.info.run_id"}),
        post(f"run {i} filled", "runs/log-batch", {**of, **batch}),
    ]
    if run["status"]:
        steps.append(post(f"run {i} ended", "runs/update", {**of, "status": run["status"], "end_time": run["end"]}))
    return steps  # fmt: skip


def dataset(name: str, digest: str, context: str) -> dict:
    return {"dataset": {"name": name, "digest": digest, "source_type": "local", "source": "{}"}, "tags": [{"key": "mlflow.data.context", "value": context}]}


CASES = [
    post("an experiment", "experiments/create", {"name": "run search"}, keep={"exp": "experiment_id"}),
    *(case for i, run in enumerate(RUNS) for case in made(i, run)),
    post("data of 0", "runs/log-inputs", {"run_id": "${run0}", "datasets": [dataset("wine", "d1", "train"), dataset("iris", "d2", "test")]}),
    post("data of 1", "runs/log-inputs", {"run_id": "${run1}", "datasets": [dataset("wine", "d3", "test")]}),
    post("a deleted run", "runs/create", {"experiment_id": "${exp}", "start_time": 7000, "run_name": "gone"}, keep={"gone": "run.info.run_id"}),
    post("is deleted", "runs/delete", {"run_id": "${gone}"}),
    post("everything", SEARCH, IN),
    *(post(f"{key} {operator}", SEARCH, {**IN, "filter": expression(key, operator, value), "order_by": ["start_time ASC", "run_name ASC"]}) for key, value in KEYS.items() for operator in OPERATORS),
    *(post(f"filter: {what}", SEARCH, {**IN, "filter": text, "order_by": ["start_time ASC", "run_name ASC"]}) for what, text in FILTERS.items()),
    *(post(f"order by {order}", SEARCH, {**IN, "order_by": [*order, "run_name DESC"] if isinstance(order, list) and "run_name" not in str(order) and "run name" not in str(order) else order}) for order in ORDERS),
    *(post(f"max_results {number!r}", SEARCH, {**IN, "max_results": number, "order_by": ["run_name"]}) for number in NUMBERS),
    *(post(f"view {view!r}", SEARCH, {**IN, "run_view_type": view, "order_by": ["run_name"]}) for view in VIEWS),
    *(post(f"experiments {what}", SEARCH, {**body, "max_results": 3, "order_by": ["start_time", "run_name"], "filter": "params.lr LIKE '%'"}) for what, body in EXPERIMENTS.items()),
    *(post(f"token {token!r}", SEARCH, {**IN, "max_results": 2, "order_by": ["run_name"], "page_token": token}) for token in ("", "x", "e30=", 5, None)),
    post("pages of one", SEARCH, {**IN, "max_results": 1, "order_by": ["run_name"]}, pages=True),
    post("pages of two", SEARCH, {**IN, "max_results": 2, "order_by": ["start_time ASC", "run_name DESC"]}, pages=True),
    post("pages of three by a metric", SEARCH, {**IN, "max_results": 3, "order_by": ["metrics.loss DESC", "run_name ASC"]}, pages=True),
    post("pages of two by a metric upwards", SEARCH, {**IN, "max_results": 2, "order_by": ["metrics.acc ASC", "run_name ASC"]}, pages=True),
    post("pages of two by a param and a tag", SEARCH, {**IN, "max_results": 2, "order_by": ["params.lr DESC", "tags.team ASC", "run_name ASC"]}, pages=True),
    post("pages with a filter", SEARCH, {**IN, "max_results": 1, "filter": "tags.team ILIKE 'nlp%'", "order_by": ["start_time ASC", "run_name ASC"]}, pages=True),
    post("pages of all views", SEARCH, {**IN, "max_results": 3, "run_view_type": "ALL", "order_by": ["run_name"]}, pages=True),
    post("pages by end, which not all have", SEARCH, {**IN, "max_results": 2, "order_by": ["end_time ASC", "run_name ASC"]}, pages=True),
]  # fmt: skip
