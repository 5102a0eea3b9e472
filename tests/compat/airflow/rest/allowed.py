"""Where Artel's answer may be another than Airflow's, and why. A reason that no case needs is a failure."""

import fnmatch
import re

NAIVE = r'500 .*"Database error".*'
UNIQUE = r"\{.*'reason': 'Unique constraint violation'.*\}"

TRY_FIELDS = "id|logical_date|run_after|note|rendered_map_index|rendered_fields|trigger|triggerer_job"
NEVER_RAN = r".*\.(start_date|end_date|duration|last_scheduling_decision)"

ALLOWED = [
    # what is stock's own slip
    ("*", "*", "status", r"500 .*", r"(400|404|409|422) .*", "a mistake of the caller is no 500"),
    ("*", "*=2026-0?-0?*", "status", NAIVE, r"200 .*", "a time without a zone is read as UTC, where stock fails"),
    ("*", 'PATCH *"delete"*', "status", NAIVE, r"200 .*", "what is to be deleted may be written out, where stock fails"),
    ("runs", "*?duration_*=0", r"\.body\..*", r".*", r".*", "a duration of 0 is a bound, where stock takes it for none"),
    ("dags", "PATCH dags?dag_id_prefix_pattern=*", r"\.body\..*", r".*", r".*", "a prefix finds DAGs here too, as stock's own description says"),
    ("dags", "*(after the changes)", r"\.body\..*", r".*", r".*", "likewise: that DAG was changed"),
    ("dags", "*", r"\.body\..*owners.*", r"airflow", r"bob", "the owner of a mapped task counts, where stock forgets it"),
    ("dags", "GET dags?owners=*", r"\.body\..*", r".*", r".*", "likewise"),
    ("marks", "PATCH *taskGroupInstances/side?update_mask=note*", r".*\.note", r"None", r"of a group", "the answer shows the note that was just written"),
    ("pools", 'PATCH *"delete", "entities": [[]"default_pool"*', r"\.body\.delete\..*", r".*default_pool.*|\[\]|\d", r".*Default Pool can't be deleted.*|\[\]|\d", "the default pool is not deleted in bulk either"),
    ("instances", "*", r".*duration", r"None", r"<seconds>", "what a branch passes over took no time, whichever way it was passed over"),
    # what is told in other words, or by other means
    ("*", "*", r"\.body\.detail", UNIQUE, r"[^{].*", "stock hides what is there already behind the words of its database; Artel says it"),
    ("*", "*", r"\.body\.detail", r"\['.*'\]", r"The Task Instance .*", "a text is a text, not a list of one"),
    ("*", "*", r"\.body\.detail", r"Invalid input for param .*", r"Invalid input for param .*", "parameters are checked by another validator"),
    ("*", "*", r"\.body\.detail", r"Method Not Allowed", r"this path has no such method; use .*", "which methods there are is said"),
    ("*", "GET *", "status", r'404 \{"error": "API route not found"\}', r"405 .*", "a path that takes another method is no unknown one"),
    ("*", "*", "status", r'405 .*', r"404 .* is not known.*", "a path that takes no method at all is unknown"),
    ("*", "*", r"\.body\.(detail|error|message|error_code|error_class|sqlstate)", r"\(absent\)|API route not found|/api/v1 has been removed.*", r"\(absent\)|.*is not known|.* was not found|ENDPOINT_NOT_FOUND|RESOURCE_NOT_FOUND|KAM00", "unknown paths are answered as all of the suite are"),
    ("*", "*", r"\.body\.detail\[0\]\.loc\[1\]", r"\d+", r"\d+", "another reader of JSON stops a letter further on"),
    ("*", "*", r"\.body\.detail.*", r"\[.*'query'.*\]|\d|body", r"\[.*'(query|body)'.*\]|\d|query", "of several wrong parameters the first is named"),
    ("variables", "PATCH *", r"\.body\.detail\[\d\]\.loc\[6\]", r"function-after.*", r"VariableBody", "the name of a function of stock's"),
    ("access", "POST /auth/token *", r"\.body\.detail", r"\d validation errors? for LoginBody.*", r".*", "stock shows the text of an exception of Python"),
    ("access", "POST /auth/token username=*", "status", r"(422|415) .*", r"(400|422) .*", "likewise, and whatever is no form is read as JSON"),
    ("access", "GET /auth/token*", "status", r"403 .*all_admins.*", r"404 .*", "there is no mode in which everybody is an administrator by this route"),
    ("access", "*", r"\.body\.detail", r"Not authenticated", r"log in, or send a token.*|Invalid username or password|this credential .*", "what is wrong with the credential is said"),
    ("access", "*", "status", r'403 \{"detail": "Invalid JWT token"\}', r"401 .*", "a credential that is none is 401 throughout the suite"),
    ("access", "GET * by nobody", "status", r"(200|307|404) .*", r"401 .*", "a wrong credential is told on open routes too"),
    ("access", "GET auth/logout by None", r"\.Location", r"/auth/login", r"/hub/logout", "one login for the suite"),
    ("access", "*", r"\.Allow", r"[A-Z]+", r"[A-Z, ]+", "every method of the path is told, not those of one of several routes"),
    ("*", "*", r"\.WWW-Authenticate", r"\(absent\)", r"Basic .*", "one login for the suite: clients of its other parts wait for the challenge"),
    # what is the server's own affair
    ("*", "GET version*", r"\.body\.git_version", r"\.release:.*", "None", "Artel is built from no commit of Airflow's"),
    ("around", "GET providers?limit=1", r"\.body\.total_entries", r"\d+", r"\d+", "what is installed beside Airflow is the environment's affair"),
    ("around", "PUT parseDagFile/{file} (twice)", "status", r"409 .*", r"201 .*", "a file is parsed at once: no request waits that a second one could meet"),
    ("around", "PUT parseDagFile/{file}*", r"\.(body|type)", r"None|application/json", r"\(absent\)|", "an answer without a body has none"),
    ("around", "GET dagWarnings*", r"\.body\..*", r".*", r"\[\]|0", "two assets of one name are no warning here: the first one keeps it"),
    ("logs", "*", r"\.body.*", r".*attempt=\d\.log", r".*attempt=\d_<id>\.log", "where a log is kept is the server's own affair"),
    ("logs", "*only/logs/1*", r"\.body\..*", r".*Could not read served logs.*|\d", r".*", "who wrote no log is not asked for it on another machine"),
    ("*", "*/logs/*", r"\.body\.continuation_token", r"None", r"<token>", "a log whose last lines may still come goes on"),
    ("logs", "*show/logs/1*", r"\.body\.content\[1[23]\]\..*", r".*", r".*", "likewise: these lines are sorted, and the place among them"),
    ("runs", "*/wait?*", r"\.type", r"", r"application/x-ndjson", "stock does not say what it sends"),
    ("runs", "*", r"\.body\..*(logical_date|data_interval_(start|end))", r".*\.\d{6}(Z|[+-]\d\d:\d\d)", r".*\.\d{3}000Z", "Artel's times are of milliseconds"),
    ("runs", "POST *", r"\.body\.(logical_date|data_interval_(start|end))", r".*[+-]\d\d:\d\d", r".*Z", "times are shown in UTC everywhere, in the answer to a trigger too"),
    ("instances", "*/externalLogUrl/x", "status", r"422 .*", r"400 .*", "logs are kept nowhere else, whatever is asked for"),
    ("runs", "*?duration_lte=nan", "status", r"200 .*", r"422 .*", "what is no number bounds nothing"),
    ("runs", "*still*", NEVER_RAN, r"None|<time>|<seconds>", r"None|<time>|<seconds>", "a run or instance that is ended by hand without having begun"),
    ("backfills", "*(cancelled)", NEVER_RAN, r"None", r"<time>", "likewise: the runs that a backfill had queued"),
    # where Artel does more, or is safer
    ("*", "*/tries*", rf"\.body\.(.*\.)?({TRY_FIELDS})(\..*)?", r"\(absent\)", r".*", "a try is shown with all that an instance has"),
    ("marks", "POST *clearTaskInstances*", r".*\.rendered_fields\..*", r".*", r"\(absent\)", "rendered fields are those of one try"),
    ("backfills", "GET backfills", "status", r"422 .*", r"200 .*", "the backfills of all DAGs can be listed"),
    ("backfills", "GET backfills/-1", "status", r"422 .*", r"404 .*", "a number that no backfill has"),
    ("backfills", "*dry_run*", "status", r"(200|400) .*", r"422 .*", "what could not be created is refused in a dry run too"),
    ("connections", "*enqueue-test*", "status", r"422 .*", r"(400|403) .*", "connections are not tested, whatever is sent"),
    ("connections", "POST connections/test {}", "status", r"422 .*", r"403 .*", "likewise"),
    ("connections", "*(bulk 19)", r"\.body\..*", r".*", r".*", "an action of a request sees what those before it did"),
    ("connections", "*(after all)", r"\.body\..*", r".*", r".*", "likewise: what came of that"),
    ("variables", "*(bulk 22)", r"\.body\..*", r".*", r".*", "an action of a request sees what those before it did"),
    ("pools", "PATCH pools*", "status", r'422 .*"missing".*', r"200 .*", "a field of a pool that is left out stays as it is"),
    ("pools", "*(at the end)", r"\.body\..*", r".*", r".*", "likewise: what came of that"),
    ("pools", 'POST pools {"name": ""*', "status", r"201 .*", r"422 .*", "a pool has a name"),
    ("pools", "DELETE pools/ *", "status", r"204 .*", r"404 .*", "likewise"),
    ("variables", 'POST variables {"key": ""*', "status", r"201 .*", r"422 .*", "a variable has a name"),
    ("variables", "DELETE variables/ *", "status", r"204 .*", r"404 .*", "likewise"),
    ("variables", "*(after all)", r"\.body\..*", r".*", r".*", "likewise: there is one less"),
    ("variables", "*", r"\.body\..*value", r'\{"a": 1\}', r"\*\*\*", "what has the name of a secret is one, whatever it is made of"),
]
"""Group, case (or `*`), where in the answer, what stock says, what Artel says (regular expressions), and why."""


def reason(group, case, one):
    for row in ALLOWED:
        if row[0] in ("*", group) and fnmatch.fnmatchcase(case, row[1]) and holds(row, one):
            return row[5]
    return None


def holds(row, one) -> bool:
    return all(re.fullmatch(pattern, str(value), re.S) for pattern, value in zip(row[2:5], (one.at, one.stock, one.artel)))


def unused(group, used):
    """Reasons of this group alone that were not needed."""
    return [row[5] for row in ALLOWED if row[0] == group and row[5] not in used]
