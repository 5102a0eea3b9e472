"""Differences that are meant, each with its reason. One that no answer needs any more fails the replay."""

import dataclasses
import fnmatch
import re

from difference import Difference


@dataclasses.dataclass(frozen=True)
class Allowed:
    """`cases` and `at` are shell patterns; the rest are regular expressions for the whole of a value.

    With `statuses` the entry is for answers that have them, stock's first.
    """

    reason: str
    cases: tuple[str, ...] = ("*",)
    at: str = "*"
    stock: str = ".*"
    artel: str = ".*"
    statuses: tuple[str, str] = (".*", ".*")

    def covers(self, label: str, statuses: tuple[int, int], difference: Difference) -> bool:
        texts = zip((self.stock, self.artel, *self.statuses), (difference.stock, difference.artel, *statuses))
        return (
            any(fnmatch.fnmatchcase(label, case.replace("[", "[[]")) for case in self.cases)
            and fnmatch.fnmatchcase(difference.at, self.at)
            and all(re.fullmatch(pattern, str(value), re.DOTALL) for pattern, value in texts)
        )


MESSAGE = ".body.message"
SEARCHES = ("*_search: *", "logged_models: *", "traces: *")
OWN_WORDS = (
    r".*(at position \d+|not one of \[|Valid values are \[|is only supported for|Only attributes that are names|nothing stands after|"
    r"not quoted|Expected a quoted string|non-empty list|Invalid order_by|Invalid order by key|Invalid comparator for tag|decoded value=|Invalid (attribute|attributes) key|Invalid value).*"
)

ALLOWED: tuple[Allowed, ...] = (
    # stock's own failures
    Allowed(
        "A mistake of the user is a 4xx that names it: stock's own exception ends in a 500, which its client repeats for minutes.",
        statuses=("500", "4.."),
    ),
    Allowed("Stock breaks off with an exception where there is an answer.", statuses=("500", "200")),
    Allowed(
        "Stock shows its database's error, with the SQL; Artel says which thing is in the way.",
        at=MESSAGE,
        stock=r".*\(sqlite3\..*",
        statuses=("400", "400"),
    ),
    Allowed(
        "A trace that is not there is a 404; stock fails at a foreign key.",
        ("traces: tag unknown",),
        statuses=("400", "404"),
    ),
    Allowed(
        "The last of two values for one key holds, and what is there already is there; stock fails at a constraint of its database.",
        (
            "experiments: create, tags twice the same", "runs: create with a tag twice", "inputs: outputs again", "inputs: outputs without a step",
            "logged_models: create with a param twice", "logged_models: create with a tag twice",
        ),
        statuses=("400", "200"),
    ),
    # the reading of requests
    Allowed(
        "A value of the wrong type is refused by name. Stock gives the whole message up, and goes on with what it had read of it.",
        (
            "experiments: create, tags a number as value", "runs: create with tags as text", "runs: create with a fraction as start", "logging: metric value a bool",
            "logging: metric time *", "logging: metric step *", "logging: batch a metric with a word", "history: max_results *", "run_search: max_results *",
            "run_search: experiments a number", "run_search: token 5", "inputs: data *", "codec: query *", "traces: start with a bad time",
        ),
        statuses=("200", "400"),
        artel=r".*",
    ),
    Allowed(
        "The message is about the field that is wrong; stock gave the message up and speaks of a field that it therefore misses.",
        ("experiments: create, tags *", "experiment_search: *", "inputs: *", "codec: *", "logged_models: *"),
        MESSAGE,
        artel=r"(Invalid value|Missing value).*",
        statuses=("400", "400"),
    ),
    Allowed(
        "An unknown number of a view is no reason to lose the other fields.",
        ("experiment_search: view 9", "run_search: view 9"),
        statuses=("(400|200)", "200"),
    ),
    Allowed("A request without an experiment is for the default one.", ("runs: create without an experiment",), statuses=("400", "200")),
    Allowed("An empty id of an experiment is of none.", ("run_search: experiments empty",), statuses=("400", "200")),
    Allowed("Bodies are UTF-8 without a byte order mark (RFC 8259).", ("codec: body a byte order mark", "codec: body utf-16"), statuses=("200", "400")),
    Allowed(
        "What stock calls BAD_REQUEST is an error of its database; the name says which mistake it is.",
        ("experiments: rename to another's", "inputs: outputs a step of text", "webhooks: events twice", "logging: metric of an unknown model"),
        ".body.error_c*",
        stock="(BAD_REQUEST|INVALID_PARAMETER_VALUE)",
    ),
    # searches
    Allowed(
        "Messages about a filter say where in it the mistake is and what may stand there.",
        SEARCHES,
        MESSAGE,
        artel=OWN_WORDS,
        statuses=("400", "400"),
    ),
    Allowed("Every entity has the same names in each search, stock knows some in some.", ("experiment_search: att*",), statuses=("400", "(200|400)")),
    Allowed(
        "Filters that mean one thing are taken: small letters, a plus, blanks, backticks, quotes of either kind, two apostrophes for one.",
        (
            "*: filter blank", "*: filter: blank", "experiment_search: filter: like small letters", "run_search: filter: metric plus",
            "run_search: order by ['`run name` ASC']", "logged_models: filter: double quotes", "registry_search: registered-models: filter apostrophe",
        ),
        statuses=("(400|200)", "200"),
    ),
    Allowed(
        "A filter or an order that is not one is refused; stock takes a part of it and leaves the rest out.",
        (
            "*: filter: two without and", "*: filter: a tag of no key", "run_search: filter: ends with and", "run_search: filter: begins with and",
            "run_search: filter: empty key", "*: order by ['name', 'name']", "run_search: order by ['metrics.']", "logged_models: filter: no quotes",
            "logged_models: filter: number for text", "registry_search: model-versions: filter version text",
        ),
        statuses=("200", "400"),
    ),
    Allowed(
        "A page has at least one row: stock answers a number below one with all rows, or none.",
        ("logged_models: max_results -1", "registry_search: registered-models: max_results *"),
        statuses=("200", "400"),
    ),
    Allowed("A search gives a run's models too, as reading the run does.", ("inputs: the run in a search",), ".body.runs*.inputs.model_inputs*"),
    Allowed("A dataset named without its digest is of any digest.", ("logged_models: datasets *",), ".body.models", stock=r"\(absent\)"),
    Allowed("The last page of traces is not followed by an empty one.", ("traces: pages *",), ".body*"),
    # words
    Allowed(
        "Lists in messages are lists, stock shows Python's sets and quotes.",
        ("logging: *", "logged_models: create with a quote", "artifacts: *", "model_versions: source *", "codec: *", "registered_models: *"),
        MESSAGE,
        statuses=("4..", "4.."),
    ),
    # paths and methods
    Allowed("Errors are MLflow's JSON: stock has a page of its web framework for some.", at=".kind", stock="text/html", artel="application/json"),
    Allowed("Errors are MLflow's JSON: stock has a page of its web framework for some.", at=".body", stock=r"\(a page of .*"),
    Allowed("Errors are MLflow's JSON: stock has FastAPI's for artifacts.", ("artifacts: *",), ".body.*", statuses=("400", "400")),
    Allowed("Errors are MLflow's JSON: stock has FastAPI's for artifacts.", ("artifacts: *",), ".headers.*", statuses=("400", "400")),
    Allowed("A path of an absolute name is refused at once, stock redirects to one without.", ("artifacts: delete absolute*",), statuses=("308", "400")),
    Allowed("A backslash is no part of a name.", ("artifacts: * backslash", "artifacts: list a null byte"), statuses=("(200|404)", "400")),
    Allowed("HEAD and OPTIONS are for browsers of other origins, which are not let in.", ("codec: HEAD *", "codec: OPTIONS *")),
    # artifacts
    Allowed("A write answers with the empty message of its protobuf, stock with nothing.", ("artifacts: *",), ".kind", "", "application/json"),
    Allowed("A write answers with the empty message of its protobuf, stock with nothing.", ("artifacts: *",), ".body", "", r"\{\}"),
    Allowed("An empty file has a size, 0; stock leaves it out.", ("artifacts: *",), ".body.files*.file_size", r"\(absent\)", "0"),
    Allowed("What is not there has no content to guess the type of.", ("artifacts: get-artifact none",), ".headers.*"),
    Allowed("Paths of no API are the web app's.", ("codec: GET //experiments/get",)),
    # the server
    Allowed("There is no gateway to language models.", ("server: info*",), ".body.features_enabled.gateway", "True", "False"),
    Allowed("The version is plain text and says so.", ("server: version",), ".kind", "text/html", "text/plain"),
    # logged models
    Allowed("An order that is text and no object is a wrong value here, an attribute that is not found there.", ("logged_models: order by ['name']",), ".body.*", stock="(ATTRIBUTE_NOT_FOUND|KAM04)"),
    # traces
    Allowed(
        "A trace that is started again is answered with its tags as they are stored; stock leaves the new ones out of this answer only.",
        ("traces: start again",),
        ".body.trace.trace_info.tags*",
    ),
)
