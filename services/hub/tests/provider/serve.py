"""Runs oidc-provider-mock on a port, with what it leaves out: it insists on PKCE (RFC 7636, by Authlib's own check) and on
a nonce, and clients have to be registered. `serve.py PORT SECONDS-OF-ACCESS-TOKENS [no-refresh]`"""

import os
import sys
from datetime import timedelta

import flask
from authlib.oauth2.rfc7636 import CodeChallenge

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from oidc_provider_mock import _app, app  # noqa: E402

port, life = int(sys.argv[1]), int(sys.argv[2])
challenges: dict[str, tuple[str | None, str | None]] = {}


class Grant(_app.AuthorizationCodeGrant):
    """Remembers each code's challenge: the storage has no place for it."""

    def save_authorization_code(self, code, request):
        super().save_authorization_code(code, request)
        asked = flask.request.args
        challenges[code] = (asked.get("code_challenge"), asked.get("code_challenge_method"))


class Pkce(CodeChallenge):
    def get_authorization_code_challenge(self, authorization_code):
        return challenges[authorization_code.code][0]

    def get_authorization_code_challenge_method(self, authorization_code):
        return challenges[authorization_code.code][1]

    def __call__(self, grant):
        super().__call__(grant)
        grant.register_hook("after_validate_authorization_request_payload", insist)


def insist(grant, redirect_uri):
    asked = flask.request.args
    if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
        raise _app.authlib.oauth2.rfc6749.InvalidRequestError("a code_challenge of S256 is needed")


register = _app.flask_oauth2.AuthorizationServer.register_grant


def register_with_pkce(self, grant, extensions=None):
    if grant is _app.AuthorizationCodeGrant:
        return register(self, Grant, [*extensions, Pkce(required=True)])
    return register(self, grant, extensions)


_app.flask_oauth2.AuthorizationServer.register_grant = register_with_pkce
_app.AuthorizationCodeGrant.TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

provider = app(
    require_client_registration=True,
    require_nonce=True,
    issue_refresh_token="no-refresh" not in sys.argv,
    access_token_max_age=timedelta(seconds=life),
)
provider.run(host="127.0.0.1", port=port, threaded=True, use_reloader=False, debug=False)
