"""OAuth: services as clients, with and without asking."""

from case import case as C

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
APP = "/hub/api/oauth2/authorize?client_id=service-app&redirect_uri=%2Fservices%2Fapp%2Foauth_callback&response_type=code&state=s"
QUIET = "/hub/api/oauth2/authorize?client_id=service-quiet&redirect_uri=https%3A%2F%2Fquiet.example%2Fback&response_type=code&state=s"
PKCE = f"&code_challenge={CHALLENGE}&code_challenge_method=S256"
CODE = (("code", "location:code"),)


def exchange(name, client, secret, code="{code}", redirect=None, more=(), **keep):
    form = [("grant_type", "authorization_code"), ("client_id", client), ("client_secret", secret), ("code", code)]
    if redirect:
        form.append(("redirect_uri", redirect))
    return C(name, None, "POST", "oauth2/token", form=tuple(form) + tuple(more), **keep)


APP_BACK = "/services/app/oauth_callback"
QUIET_BACK = "https://quiet.example/back"

CASES = [
    C("before the login", None, "GET", APP),
    C("without a client", "browser:ada", "GET", "/hub/api/oauth2/authorize?response_type=code"),
    C("a client that is none", "browser:ada", "GET", "/hub/api/oauth2/authorize?client_id=service-x&response_type=code"),
    C("another callback", "browser:ada", "GET", APP.replace("app%2Foauth", "evil%2Foauth")),
    C("a callback on another site", "browser:ada", "GET", APP.replace("%2Fservices%2Fapp%2Foauth_callback", "https%3A%2F%2Fevil.example%2F")),
    C("without a response type", "browser:ada", "GET", APP.replace("&response_type=code", "")),
    C("another response type", "browser:ada", "GET", APP.replace("=code", "=token")),
    C("a scope that is none", "browser:ada", "GET", APP + "&scope=fly"),
    C("a scope that the client may not ask for", "browser:ada", "GET", APP + "&scope=admin%3Ausers"),
    C("a challenge of another method", "browser:ada", "GET", APP + f"&code_challenge={CHALLENGE}&code_challenge_method=odd"),
    C("a user who may not go there", "browser:cyd", "GET", APP),
    C("a user who is asked", "browser:ada", "GET", APP),
    C("a user who agrees", "browser:ada", "POST", APP, form=(("scopes", "read:users!user"), ("scopes", "access:services!service=app")), keep=CODE),
    exchange("a wrong secret", "service-app", "wrong", redirect=APP_BACK),
    exchange("another client's secret", "service-app", "token-of-quiet", redirect=APP_BACK),
    exchange("a client that is none exchanges", "service-x", "token-of-app", redirect=APP_BACK),
    exchange("a code that is none", "service-app", "token-of-app", code="x", redirect=APP_BACK),
    exchange("without a code", "service-app", "token-of-app", code="", redirect=APP_BACK),
    exchange("a code for a token", "service-app", "token-of-app", redirect=APP_BACK, keep=(("oauth", "access_token"),), values=("token_type", "expires_in")),
    exchange("a code twice", "service-app", "token-of-app", redirect=APP_BACK),
    C("whoami by the token", "oauth", "GET", "user", values=("name", "scopes", "admin")),
    C("something else by the token", "oauth", "POST", "users/ada/server"),
    C("the tokens of the user", "ada", "GET", "users/ada/tokens", values=("api_tokens.oauth_client",)),
    C("asked for what was agreed to", "browser:ada", "GET", APP + "&scope=read%3Ausers%21user"),
    C("asked for more", "browser:ada", "GET", APP),
    C("a user who agrees to nothing", "browser:bob", "POST", APP, keep=CODE),
    exchange("a code of who agrees to nothing", "service-app", "token-of-app", redirect=APP_BACK, keep=(("oauth_bob", "access_token"),)),
    C("whoami by that token", "oauth_bob", "GET", "user", values=("name", "scopes")),
    C("a user who agrees to more than is allowed", "browser:bob", "POST", APP, form=(("scopes", "admin:users"),)),
    C("with a challenge", "browser:ada", "GET", APP + PKCE + "&scope=read%3Ausers%21user", keep=CODE),
    exchange("a wrong verifier", "service-app", "token-of-app", redirect=APP_BACK, more=(("code_verifier", "x" * 43),)),
    C("with a challenge again", "browser:ada", "GET", APP + PKCE + "&scope=read%3Ausers%21user", keep=CODE),
    exchange("no verifier", "service-app", "token-of-app", redirect=APP_BACK),
    C("with a challenge once more", "browser:ada", "GET", APP + PKCE + "&scope=read%3Ausers%21user", keep=CODE),
    exchange("the right verifier", "service-app", "token-of-app", redirect=APP_BACK, more=(("code_verifier", VERIFIER),)),
    C("a service that does not ask", "browser:ada", "GET", QUIET, keep=CODE),
    exchange("another callback in the exchange", "service-quiet", "token-of-quiet", redirect="https://evil.example/"),
    C("a service that does not ask, again", "browser:ada", "GET", QUIET, keep=CODE),
    exchange("a code of another client", "service-app", "token-of-app", redirect=QUIET_BACK),
    C("a service that does not ask, a third time", "browser:ada", "GET", QUIET, keep=CODE),
    exchange("its code", "service-quiet", "token-of-quiet", redirect=QUIET_BACK, keep=(("oauth_quiet", "access_token"),)),
    C("whoami by its token", "oauth_quiet", "GET", "user", values=("name", "scopes")),
    C("without a callback", "browser:ada", "GET", "/hub/api/oauth2/authorize?client_id=service-quiet&response_type=code", keep=CODE),
    C("by client credentials", None, "POST", "oauth2/token", form=(("grant_type", "client_credentials"), ("client_id", "service-app"), ("client_secret", "token-of-app"))),
    C("by a refresh token", None, "POST", "oauth2/token", form=(("grant_type", "refresh_token"), ("client_id", "service-app"), ("client_secret", "token-of-app"), ("refresh_token", "x"))),
    C("by a password", None, "POST", "oauth2/token", form=(("grant_type", "password"), ("username", "ada"), ("password", "x"))),
    C("by nothing", None, "POST", "oauth2/token", form=()),
    C("the user takes it back", "ada", "GET", "users/ada/tokens"),
]
