"""Where Artel's answer may be another than JupyterHub's, and why. A reason that no case needs is a failure."""

import fnmatch
import re

SAID = r"json\.message: JupyterHub \"null\", Artel \"text\""
NOT_500 = r"status: JupyterHub 500, Artel 400"
PAGE = r"html: JupyterHub True, Artel None|json: JupyterHub None, Artel .*"

ALLOWED = [
    ("*", "*", SAID, "JupyterHub says nothing where Artel says what is wrong"),
    ("*", "*", r"json(\[\])?(\.servers\.\w*)?\.(failure|log_tail): not JupyterHub's", "Artel tells why a server has failed"),
    ("*", "*", r"json(\[\])?(\.servers\.\w*)?\.state\b.*", "what a spawner knows of itself is its own"),
    ("*", "*", r"json\.s3: not JupyterHub's", "a new token is an S3 access key too"),
    ("accounts", "whoami of a service that*", r"json\.(display|info|url): JupyterHub .*", "a service that asks who it is learns what is known of it"),
    ("accounts", "list*", r"json\.items.*", "the first user of Artel is the administrator: other users are on the page"),
    ("accounts", "metrics without the scope", PAGE, "errors of metrics are for programs, not pages"),
    ("accounts", "routes of the proxy*", r"json\.(items\.)?/.*|values: .*", "JupyterHub looks after its routes now and then; Artel's are always whole"),
    ("access", "admin access is gone", r"status: JupyterHub 403, Artel 404", "the way is deprecated since 0.8 and always refused"),
    ("groups", "add members of another type", NOT_500, "a mistake of the caller is no 500"),
    ("servers", "change an unknown field", NOT_500, "a mistake of the caller is no 500 (servers)"),
    ("servers", "stopped ones are shown when asked for", r"json\.servers\.\.user_options: .*", "options that nobody has given are an empty object"),
    ("servers", "rename it", r"values: .*|json\.user_options: .*", "options that nobody has given are an empty object"),
    ("shares", "share a scope that is none", NOT_500, "a mistake of the caller is no 500 (shares)"),
    ("shares", "make a code for a scope that is none", NOT_500, "a mistake of the caller is no 500 (codes)"),
    ("shares", "ada may go there by her class", r"values: .*", "what is shared with a group reaches its members' tokens too"),
    ("services", "add one with a short token", NOT_500, "a mistake of the caller is no 500 (services)"),
    ("services", "add one that may * as a registrar", r"status: JupyterHub 409, Artel 400", "JupyterHub has made a service although it answered 500"),
]
"""Group, case (or `*`), what differs, and why."""


def reason(group, case, line):
    for row in ALLOWED:
        if row[0] in ("*", group) and fnmatch.fnmatchcase(case, row[1]) and re.fullmatch(row[2], line):
            return row[3]
    return None


def unused(group, used):
    """Reasons of this group alone that were not needed."""
    return [row[3] for row in ALLOWED if row[0] == group and row[3] not in used]
