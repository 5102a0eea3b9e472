"""Search of experiments: every attribute with every operator, orders, pages."""

from case import get, post

SEARCH = "experiments/search"
NAMES = ("Search A", "search a", "Search_B", "Search%C", "Поиск Г", "search's d")
HELD = "name LIKE '%earch%'"

ATTRIBUTES = {
    "name": "'Search A'",
    "attribute.name": "'Search A'",
    "attributes.name": "'Search A'",
    "attr.name": "'Search A'",
    "experiment_id": "'0'",
    "creation_time": "1",
    "last_update_time": "1",
    "attribute.creation_time": "9999999999999",
    "lifecycle_stage": "'active'",
    "artifact_location": "'x'",
    "unknown": "'x'",
}
OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL", "RLIKE", "==", "<>")
FILTERS = {
    "like prefix": "name LIKE 'Search%'",
    "like one character": "name LIKE 'Search_B'",
    "like is of case": "name LIKE 'SEARCH%'",
    "ilike": "name ILIKE 'SEARCH%'",
    "ilike unicode": "name ILIKE 'поиск%'",
    "like small letters": "name like 'search%'",
    "like with two percents": "name LIKE '%arc%'",
    "tag": "tags.team = 'nlp'",
    "tag, other word": "tag.team = 'nlp'",
    "tag in quotes": "tags.\"team\" = 'nlp'",
    "tag in backticks": "tags.`a key` = 'of words'",
    "tag unequal": "tags.team != 'nlp'",
    "tag like": "tags.team LIKE 'n%'",
    "tag ilike": "tags.team ILIKE 'N%'",
    "tag is null": "tags.team IS NULL AND name ILIKE '%search%'",
    "tag is not null": "tags.team IS NOT NULL",
    "tag in": "tags.team IN ('nlp')",
    "tag greater": "tags.team > 'a'",
    "and": "name LIKE 'Search%' AND tags.team = 'nlp'",
    "and in small letters": "name LIKE 'Search%' and tags.team = 'nlp'",
    "three": "name LIKE 'Search%' AND tags.team = 'nlp' AND name != 'Search_B'",
    "or": "name = 'Search A' OR name = 'search a'",
    "in parentheses": "(name = 'Search A')",
    "double quotes": 'name = "Search A"',
    "an apostrophe": "name = \"search's d\"",
    "an apostrophe twice": "name = 'search''s d'",
    "no quotes": "name = Search",
    "number for text": "name = 5",
    "text for number": "creation_time > 'a'",
    "text of number": "creation_time > '1'",
    "no operator": "name",
    "no value": "name =",
    "value only": "'Search A'",
    "two without and": "name = 'a' name = 'b'",
    "empty": "",
    "blank": "   ",
    "unknown entity": "metrics.x > 1",
    "semicolon": "name = 'a'; DROP TABLE experiments",
    "comment": "name = 'a' -- b",
    "ids in": "experiment_id IN ('0', '999999')",
    "ids not in": "experiment_id NOT IN ('0') AND name = 'Search A'",
    "ids in nothing": "experiment_id IN ()",
    "ids in numbers": "experiment_id IN (0)",
    "open quote": "name = 'a",
    "a tag of no key": "tags. = 'a'",
    "tag without entity": "team = 'nlp'",
    "too many dots": "tags.a.b = 'c'",
}  # fmt: skip
ORDERS = (
    ["name"], ["name ASC"], ["name DESC"], ["name desc"], ["experiment_id"], ["creation_time DESC"], ["last_update_time ASC"], ["attribute.name"],
    ["name ASC", "experiment_id DESC"], ["tags.team"], ["unknown"], ["name UP"], [""], ["name", "name"], ["name ASC DESC"], "name", [1], ["lifecycle_stage"],
)  # fmt: skip
NUMBERS = (0, 1, -1, 50000, 50001, "5", "x", 2.5, None, True)
VIEWS = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", "active_only", "NONE", "", 1, 2, 3, 9, None)


def expression(attribute: str, operator: str, value: str) -> str:
    if operator.startswith("IS"):
        return f"{attribute} {operator}"
    return f"{attribute} {operator} ({value})" if operator.endswith("IN") else f"{attribute} {operator} {value}"


CASES = [
    *(post(f"made {i}", "experiments/create", {"name": name}, keep={f"search{i}": "experiment_id"}) for i, name in enumerate(NAMES)),
    post("tag 0", "experiments/set-experiment-tag", {"experiment_id": "${search0}", "key": "team", "value": "nlp"}),
    post("tag 1", "experiments/set-experiment-tag", {"experiment_id": "${search1}", "key": "team", "value": "Vision"}),
    post("tag 2", "experiments/set-experiment-tag", {"experiment_id": "${search2}", "key": "team", "value": "nlp"}),
    post("tag 3", "experiments/set-experiment-tag", {"experiment_id": "${search3}", "key": "a key", "value": "of words"}),
    post("deleted 5", "experiments/delete", {"experiment_id": "${search5}"}),
    *(
        post(f"{attribute} {operator}", SEARCH, {"filter": expression(attribute, operator, value), "max_results": 5, "order_by": ["name ASC"]})
        for attribute, value in ATTRIBUTES.items()
        for operator in OPERATORS
    ),
    *(post(f"filter: {what}", SEARCH, {"filter": text, "max_results": 10, "order_by": ["name ASC", "experiment_id ASC"]}) for what, text in FILTERS.items()),
    *(post(f"order by {order}", SEARCH, {"filter": HELD, "order_by": order, "max_results": 10}) for order in ORDERS),
    *(post(f"max_results {number!r}", SEARCH, {"filter": HELD, "max_results": number}) for number in NUMBERS),
    *(post(f"view {view!r}", SEARCH, {"filter": HELD, "view_type": view, "max_results": 20}) for view in VIEWS),
    *(post(f"token {token!r}", SEARCH, {"filter": HELD, "max_results": 2, "page_token": token}) for token in ("", "x", "e30=", 5, None)),
    post("the default order", SEARCH, {"max_results": 5}),
    post("without max_results", SEARCH, {"filter": HELD}),
    post("pages of one", SEARCH, {"filter": HELD, "max_results": 1, "view_type": "ALL", "order_by": ["name ASC"]}, pages=True),
    post("pages of two, default order", SEARCH, {"filter": HELD, "max_results": 2}, pages=True),
    post("pages of two, by name downwards", SEARCH, {"filter": HELD, "max_results": 2, "order_by": ["name DESC"]}, pages=True),
    post("pages of two, by last update", SEARCH, {"filter": HELD, "max_results": 2, "order_by": ["last_update_time DESC"]}, pages=True),
    get("by query", SEARCH, {"filter": HELD, "max_results": "3", "order_by": ["name DESC", "experiment_id"], "view_type": "ALL"}),
    get("by query, pages", SEARCH, {"filter": HELD, "max_results": "2"}, pages=True),
    get("by query without anything refused", SEARCH, {"view_type": "DELETED_ONLY", "max_results": "1"}),
    get("by query, a bad view", SEARCH, {"view_type": "SOME", "max_results": "1"}),
    get("by query, a bad number", SEARCH, {"max_results": "many"}),
]  # fmt: skip
