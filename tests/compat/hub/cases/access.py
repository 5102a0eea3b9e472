"""Filtered scopes: who sees and may do what of whom."""

from case import case as C


def token(name, scopes, by="admin"):
    return C(f"token {name}", by, "POST", f"users/{by}/tokens", {"scopes": scopes}, keep=((name, "token"),), values=("scopes",))


USERS = ("ada", "bob")
READS = {
    "r_users": ["read:users!user=ada"],
    "r_name": ["read:users:name!user=ada"],
    "r_groups": ["read:users:groups!user=ada"],
    "r_activity": ["read:users:activity!user=ada"],
    "r_roles": ["read:roles:users!user=ada"],
    "r_servers": ["read:servers!user=ada"],
    "r_one_server": ["read:servers!server=ada/gpu"],
    "a_users": ["admin:users!user=ada"],
    "a_state": ["admin:auth_state!user=ada"],
    "s_group": ["servers!group=class"],
    "g_class": ["groups!group=class"],
    "g_admin": ["admin:groups!group=class"],
    "v_app": ["read:services!service=app"],
    "v_roles": ["read:roles:services"],
    "sh": ["shares!user=ada"],
    "ui": ["admin-ui"],
    "rr": ["read:roles"],
    "act": ["users:activity!user=ada"],
    "tok": ["tokens!user=ada"],
    "l_server": ["list:users!server=ada/gpu"],
}

CASES = [token(name, scopes) for name, scopes in READS.items()]
CASES += [C(f"{user} by {name}", name, "GET", f"users/{user}") for name in READS for user in USERS]
CASES += [
    C("list by a filter that is not about users", "l_server", "GET", "users"),
    C("list by the page's scope", "ui", "GET", "users"),
    C("list by another scope", "r_users", "GET", "users"),
    C("class by groups", "g_class", "GET", "groups/class"),
    C("staff by groups", "g_class", "GET", "groups/staff"),
    C("groups by groups", "g_class", "GET", "groups", values=("name",)),
    C("class by admin", "g_admin", "GET", "groups/class", values=("roles",)),
    C("class by roles", "rr", "GET", "groups/class"),
    C("make a group by a filter", "g_admin", "POST", "groups/other"),
    C("make groups by a filter", "g_admin", "POST", "groups", {"groups": ["other"]}),
    C("remove the class by groups", "g_class", "DELETE", "groups/class"),
    C("app by its reader", "v_app", "GET", "services/app"),
    C("another service by app's reader", "v_app", "GET", "services/quiet"),
    C("services by app's reader", "v_app", "GET", "services"),
    C("app by roles", "v_roles", "GET", "services/app"),
    C("make a user by a filter", "a_users", "POST", "users/zoe"),
    C("make users by a filter", "a_users", "POST", "users", {"usernames": ["zoe"]}),
    C("change ada by a filter", "a_users", "PATCH", "users/ada", {"admin": False}),
    C("change bob by a filter", "a_users", "PATCH", "users/bob", {"admin": False}),
    C("remove bob by a filter", "a_users", "DELETE", "users/bob"),
    C("activity of ada", "act", "POST", "users/ada/activity", {"last_activity": "2020-01-01T00:00:00Z"}),
    C("activity of bob", "act", "POST", "users/bob/activity", {"last_activity": "2020-01-01T00:00:00Z"}),
    C("tokens of ada", "tok", "GET", "users/ada/tokens"),
    C("tokens of bob", "tok", "GET", "users/bob/tokens"),
    C("ada's server by the class", "s_group", "GET", "users/ada/server"),
    C("bob's server by the class", "s_group", "GET", "users/bob/server"),
    C("one server by its reader", "r_one_server", "GET", "users/ada/servers/gpu"),
    C("another server by one's reader", "r_one_server", "GET", "users/ada/server"),
    C("stop by a reader", "r_servers", "DELETE", "users/ada/server"),
    C("shares of ada", "sh", "GET", "shares/ada"),
    C("shares of bob", "sh", "GET", "shares/bob"),
    C("info by another scope", "rr", "GET", "info"),
    C("proxy by another scope", "rr", "GET", "proxy"),
    C("shutdown by another scope", "rr", "POST", "shutdown"),
    C("admin access is gone", "admin", "POST", "users/ada/admin-access"),
]
