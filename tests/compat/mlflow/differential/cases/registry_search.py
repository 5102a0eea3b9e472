"""Search of registered models and of their versions: operators, orders, pages, prompts."""

from case import delete, get, patch, post

MODELS, VERSIONS = "registered-models/search", "model-versions/search"
OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL")
NAMES = ("find Alpha", "find beta", "find Gamma_1", "find дельта", "find eps%")
OURS = "name LIKE 'find %'"
MODEL_KEYS = {"name": "'find beta'", "tags.team": "'nlp'", "tag.team": "'nlp'", "attribute.name": "'find beta'", "creation_timestamp": "1", "last_updated_timestamp": "1", "description": "'x'", "aliases": "'x'", "unknown": "'x'"}
VERSION_KEYS = {"name": "'find beta'", "version_number": "2", "version": "2", "run_id": "'${run}'", "source_path": "'s3://b/0/1'", "source": "'s3://b/0/1'", "tags.team": "'nlp'", "creation_timestamp": "1", "last_updated_timestamp": "1", "current_stage": "'Staging'", "status": "'READY'", "description": "'x'", "attribute.name": "'find beta'", "user_id": "'x'", "aliases": "'x'"}
FILTERS = {
    "prefix": "name LIKE 'find%'", "of case": "name LIKE 'FIND%'", "ilike": "name ILIKE 'FIND%'", "underscore": "name LIKE 'find Gamma_1'", "unicode": "name ILIKE '%дел%'", "two": "name LIKE 'find%' AND tags.team = 'nlp'", "small and": "name like 'find%' and tags.team = 'nlp'", "or": "name = 'a' OR name = 'b'", "parentheses": "(name = 'find beta')", "double quotes": 'name = "find beta"', "no quotes": "name = beta",
    "a number": "name = 5", "no value": "name =", "no operator": "name", "empty": "", "blank": "  ", "garbage": "x y z", "semicolon": "name = 'a'; x", "open quote": "name = 'a", "tag in backticks": "tags.`team` = 'nlp'", "tag in quotes": "tags.\"team\" = 'nlp'", "prompts": "tags.`mlflow.prompt.is_prompt` = 'true'", "prompts and a name": "tags.`mlflow.prompt.is_prompt` = 'true' AND name LIKE 'find%'",
    "no prompts": "tags.`mlflow.prompt.is_prompt` != 'true'", "apostrophe": "name = 'it''s'", "two tags": "tags.team = 'nlp' AND tags.size = 'big'", "tag unequal": "tags.team != 'nlp' AND name LIKE 'find%'", "tag like": "tags.team LIKE 'n%'", "tag ilike": "tags.team ILIKE 'N%'", "runs in": "run_id IN ('${run}')", "runs in nothing": "run_id IN ()", "runs in numbers": "run_id IN (1)", "runs not in": "run_id NOT IN ('${run}')",
    "names in": "name IN ('find beta')", "version text": "version_number = '2'", "version fraction": "version_number = 2.5", "version range": "version_number >= 1 AND version_number < 3 AND name LIKE 'find%'", "source like": "source_path LIKE 's3://b/0%'", "metric": "metrics.x > 1", "param": "params.x = '1'", "run of two": "run_id IN ('${run}', 'x')",
}  # fmt: skip
ORDERS = (["name"], ["name ASC"], ["name DESC"], ["name desc"], ["last_updated_timestamp DESC"], ["timestamp"], ["timestamp DESC", "name ASC"], ["creation_timestamp"], ["name", "name DESC"], ["version_number DESC"], ["version_number", "name DESC"], ["name ASC", "version_number ASC"], ["unknown"], ["tags.team"], ["name UP"], [""], ["name ASC DESC"], ["name, version_number"])
NUMBERS = {MODELS: ("0", "-1", "1", "1000", "1001", "x", ""), VERSIONS: ("0", "-1", "1", "10000", "200000", "200001", "x", "")}


def expression(key: str, operator: str, value: str) -> str:
    if operator.startswith("IS"):
        return f"{key} {operator}"
    return f"{key} {operator} ({value})" if operator.endswith("IN") else f"{key} {operator} {value}"


def searches(path: str, keys: dict) -> list:
    """Every search of one of the two lists."""
    of = path.split("/")[0]
    return [
        *(get(f"{of}: {key} {operator}", path, {"filter": expression(key, operator, value), "order_by": "name ASC", "max_results": "20"}) for key, value in keys.items() for operator in OPERATORS),
        *(get(f"{of}: filter {what}", path, {"filter": text, "order_by": "name ASC", "max_results": "30"}) for what, text in FILTERS.items()),
        *(get(f"{of}: order by {order}", path, {"filter": OURS, "order_by": order}) for order in ORDERS),
        *(get(f"{of}: max_results {number!r}", path, {"filter": OURS, "max_results": number}) for number in NUMBERS[path]),
        *(get(f"{of}: token {token!r}", path, {"filter": OURS, "max_results": "2", "page_token": token}) for token in ("x", "", "e30=")),
        get(f"{of}: the default order", path, {"filter": OURS}),
        get(f"{of}: everything", path, {"max_results": "1000"}),
        get(f"{of}: pages of one", path, {"filter": OURS, "max_results": "1"}, pages=True),
        get(f"{of}: pages of two downwards", path, {"filter": OURS, "max_results": "2", "order_by": "name DESC"}, pages=True),
        get(f"{of}: pages of two by time", path, {"filter": OURS, "max_results": "2", "order_by": ["last_updated_timestamp DESC", "name ASC"]}, pages=True),
        get(f"{of}: pages with a tag", path, {"filter": "tags.team = 'nlp'", "max_results": "1"}, pages=True),
        get(f"{of}: pages of prompts", path, {"filter": "tags.`mlflow.prompt.is_prompt` = 'true'", "max_results": "1"}, pages=True),
    ]  # fmt: skip


def made(i: int, name: str) -> list:
    team = ("nlp", "Vision", "nlp", "", "NLP")[i]
    return [
        post(f"model {i}", "registered-models/create", {"name": name, "tags": [{"key": "team", "value": team}]}),
        *(post(f"model {i}, version {v}", "model-versions/create", {"name": name, "source": f"s3://b/{i}/{v}", "tags": [{"key": "team", "value": team}], **({"run_id": "${run}"} if v == 2 else {})}) for v in (1, 2, 3)[: 3 - i % 2]),
    ]  # fmt: skip


PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
CASES = [
    post("a run", "runs/create", {"experiment_id": "0", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    *(case for i, name in enumerate(NAMES) for case in made(i, name)),
    post("a prompt", "registered-models/create", {"name": "find prompt", "tags": PROMPT}),
    post("its version", "model-versions/create", {"name": "find prompt", "source": "prompt-template", "tags": [*PROMPT, {"key": "mlflow.prompt.text", "value": "Say {{x}}"}]}),
    post("another prompt", "registered-models/create", {"name": "find prompt 2", "tags": PROMPT}),
    get("the prompt", "registered-models/get", {"name": "find prompt"}),
    get("its version read", "model-versions/get", {"name": "find prompt", "version": "1"}),
    post("stage one", "model-versions/transition-stage", {"name": NAMES[0], "version": "1", "stage": "Staging"}),
    post("alias one", "registered-models/alias", {"name": NAMES[0], "version": "2", "alias": "best"}),
    delete("delete a version", "model-versions/delete", {"name": NAMES[2], "version": "3"}),
    patch("touch one", "model-versions/update", {"name": NAMES[0], "version": "1", "description": "touched"}),
    *searches(MODELS, MODEL_KEYS),
    *searches(VERSIONS, VERSION_KEYS),
]  # fmt: skip
