"""Users, permissions and roles by the published client: every step of a permission, for experiments and for models.

The address is `MLFLOW_TRACKING_URI`; `ADMIN_PASSWORD` is that of the user `admin`. Holds where users may by default only
read (`default_permission = READ`, the stock server's default). Leaves with 0 when everything held.
"""

import contextlib
import os
import sys
import types

import proof

# The package of the client is the server's as well, which wants a library that the client has no use for.
try:
    import flask_wtf  # noqa: F401
except ImportError:
    sys.modules["flask_wtf"] = types.ModuleType("flask_wtf")
    sys.modules["flask_wtf.csrf"] = types.ModuleType("flask_wtf.csrf")
    sys.modules["flask_wtf.csrf"].CSRFProtect = object

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient

URI = os.environ["MLFLOW_TRACKING_URI"]
ADMIN = ("admin", os.environ["ADMIN_PASSWORD"])
ADA = (f"ada-{proof.SUFFIX}", "ada has a password")
BOB = (f"bob-{proof.SUFFIX}", "bob has a password")
auth = AuthServiceClient(URI)
client = MlflowClient()


@contextlib.contextmanager
def acting(user: tuple[str, str]):
    """Everything inside is done by that user."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")}
    os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = user
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def denied():
    """Fails unless the server refuses what is done inside."""
    try:
        yield
    except requests.HTTPError as error:
        # so the client tells of artifacts
        assert error.response.status_code == 403, error
    except MlflowException as error:
        assert "403" in str(error) or error.error_code == "PERMISSION_DENIED", error
    else:
        raise AssertionError("the server allowed it")


def own(name: str) -> str:
    return f"{name}-{proof.SUFFIX}"


def accounts():
    with acting(ADMIN):
        ada = auth.create_user(*ADA)
        bob = auth.create_user(*BOB)
        assert (ada.username, ada.is_admin, ada.id != bob.id) == (ADA[0], False, True), (ada, bob)
        with proof.refused("RESOURCE_ALREADY_EXISTS"):
            auth.create_user(*ADA)
        with proof.refused("INVALID_PARAMETER_VALUE"):
            auth.create_user(own("carl"), "short")
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            auth.get_user(own("nobody"))
        assert auth.get_user(BOB[0]).id == bob.id
        carl = auth.create_user(own("carl"), "carl has a password")
        auth.update_user_admin(carl.username, True)
        assert auth.get_user(carl.username).is_admin
        auth.delete_user(carl.username)
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            auth.get_user(carl.username)
    with acting(ADA):
        assert auth.get_user(ADA[0]).id == ada.id
        for forbidden in (
            lambda: auth.get_user(BOB[0]),
            lambda: auth.create_user(own("dora"), "dora has a password"),
            lambda: auth.update_user_admin(ADA[0], True),
            lambda: auth.delete_user(BOB[0]),
            lambda: auth.update_user_password(BOB[0], "not ada's to set"),
        ):
            with denied():
                forbidden()
        with proof.refused("INVALID_PARAMETER_VALUE"):
            auth.update_user_password(ADA[0], "another password")
        with proof.refused("INVALID_PARAMETER_VALUE"):
            auth.update_user_password(ADA[0], "another password", "not the present one")
        auth.update_user_password(ADA[0], "another password", ADA[1])
    with acting((ADA[0], "another password")):
        auth.update_user_password(ADA[0], ADA[1], "another password")
        told = requests.get(f"{URI}/api/2.0/mlflow/users/current", auth=(ADA[0], ADA[1]), timeout=60)
        assert told.json()["user"] == {"id": ada.id, "username": ADA[0], "is_admin": False}, told.text


def who_is_nobody_is_told_so():
    path = f"{URI}/api/2.0/mlflow/experiments/get?experiment_id=0"
    for login in (None, (ADA[0], "a wrong password"), (own("nobody"), "a wrong password")):
        answer = requests.get(path, auth=login, timeout=60)
        assert answer.status_code == 401, answer.status_code
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="mlflow"', answer.headers
        assert answer.text.startswith("You are not authenticated."), answer.text
    # name and password win over a token
    with acting(ADA):
        os.environ["MLFLOW_TRACKING_TOKEN"] = "of nobody"
        try:
            assert client.get_experiment("0").name == "Default"
        finally:
            del os.environ["MLFLOW_TRACKING_TOKEN"]


def experiments_step_by_step():
    with acting(ADA):
        experiment = client.create_experiment(own("shared"))
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "m", 1.0)
        client.log_text(run, "of ada", "note.txt")
        assert auth.get_user_permission(ADA[0], "experiment", experiment).permission == "MANAGE"
    look = (
        lambda: client.get_experiment(experiment),
        lambda: client.get_experiment_by_name(own("shared")),
        lambda: client.get_run(run),
        lambda: client.get_metric_history(run, "m"),
        lambda: client.list_artifacts(run),
        lambda: mlflow.artifacts.load_text(f"mlflow-artifacts:/{experiment}/{run}/artifacts/note.txt"),
    )
    change = (
        lambda: client.set_terminated(client.create_run(experiment).info.run_id),
        lambda: client.log_metric(run, "of bob", 2.0),
        lambda: client.log_batch(run, params=[mlflow.entities.Param("p", "1")]),
        lambda: client.set_tag(run, "by", "bob"),
        lambda: client.set_experiment_tag(experiment, "by", "bob"),
        lambda: client.log_text(run, "of bob", "bobs.txt"),
        lambda: client.rename_experiment(experiment, own("shared")),
    )
    destroy = (
        lambda: client.delete_run(run),
        lambda: client.restore_run(run),
        lambda: client.delete_experiment(experiment),
        lambda: client.restore_experiment(experiment),
        lambda: auth.revoke_user_permission(BOB[0], "experiment", experiment),
    )

    def bob_may(*allowed):
        with acting(BOB):
            for steps in (look, change, destroy):
                for step in steps:
                    if steps in allowed:
                        step()
                    else:
                        with denied():
                            step()

    def grant(permission: str):
        with acting(ADA):
            auth.grant_user_permission(BOB[0], "experiment", experiment, permission)

    def revoke():
        with acting(ADA):
            auth.revoke_user_permission(BOB[0], "experiment", experiment)

    bob_may(look)
    with acting(BOB), denied():
        auth.grant_user_permission(BOB[0], "experiment", experiment, "MANAGE")
    for permission, allowed in (("READ", (look,)), ("USE", (look,)), ("EDIT", (look, change))):
        grant(permission)
        with acting(ADA), proof.refused("RESOURCE_ALREADY_EXISTS"):
            auth.grant_user_permission(BOB[0], "experiment", experiment, permission)
        with acting(BOB):
            told = auth.get_user_permission(BOB[0], "experiment", experiment)
        assert (told.permission, told.allowed) == (permission, permission != "READ"), told
        bob_may(*allowed)
        revoke()
    with acting(ADA), proof.refused("RESOURCE_DOES_NOT_EXIST"):
        auth.revoke_user_permission(BOB[0], "experiment", experiment)
    grant("DENY")
    bob_may()
    with acting(BOB):
        assert experiment not in [e.experiment_id for e in client.search_experiments()]
        assert client.search_runs([experiment]) == []
        assert mlflow.search_logged_models([experiment], output_format="list") == []
    revoke()
    grant("MANAGE")
    bob_may(look, change, destroy)


def lists_stay_full():
    """A page of ten has ten, whatever is left out of it."""
    with acting(ADA):
        made = [client.create_experiment(own(f"page-{i:02}")) for i in range(25)]
        for experiment in made[::2]:
            auth.grant_user_permission(BOB[0], "experiment", experiment, "DENY")
    with acting(BOB):
        filter_string, found, sizes, token = f"name LIKE '{own('page-%')}'", [], [], None
        while True:
            page = client.search_experiments(filter_string=filter_string, max_results=5, page_token=token)
            found += [e.experiment_id for e in page]
            sizes.append(len(page))
            if not (token := page.token):
                break
        assert sorted(found) == sorted(made[1::2]), (found, made)
        assert sizes[:2] == [5, 5], sizes


def models_step_by_step():
    name = own("wine")
    with acting(ADA):
        run = client.create_run(client.create_experiment(own("of models"))).info.run_id
        client.log_text(run, "weights", "model/weights")
        client.create_registered_model(name)
        source = f"mlflow-artifacts:/{client.get_run(run).info.experiment_id}/{run}/artifacts/model"
        client.create_model_version(name, source, run)
        client.set_registered_model_alias(name, "best", 1)
    look = (
        lambda: client.get_registered_model(name),
        lambda: client.get_model_version(name, "1"),
        lambda: client.get_model_version_by_alias(name, "best"),
        lambda: client.get_model_version_download_uri(name, "1"),
        lambda: client.get_latest_versions(name),
    )
    change = (
        lambda: client.create_model_version(name, source, run),
        lambda: client.update_registered_model(name, "by bob"),
        lambda: client.update_model_version(name, "1", "by bob"),
        lambda: client.set_registered_model_tag(name, "by", "bob"),
        lambda: client.set_model_version_tag(name, "1", "by", "bob"),
        lambda: client.set_registered_model_alias(name, "best", 1),
    )
    destroy = (
        lambda: client.delete_model_version_tag(name, "1", "by"),
        lambda: client.delete_registered_model_alias(name, "best"),
        lambda: client.set_registered_model_alias(name, "best", 1),
        lambda: auth.revoke_user_permission(BOB[0], "registered_model", name),
    )
    for permission, allowed in (
        (None, (look,)),
        ("READ", (look,)),
        ("EDIT", (look, change)),
        ("DENY", ()),
        ("MANAGE", (look, change, destroy)),
    ):
        if permission:
            with acting(ADA):
                auth.grant_user_permission(BOB[0], "registered_model", name, permission)
        with acting(BOB):
            seen = [m.name for m in client.search_registered_models(f"name = '{name}'")]
            assert seen == ([name] if look in allowed else []), (permission, seen)
            versions = client.search_model_versions(f"name = '{name}'")
            assert bool(versions) == (look in allowed), (permission, versions)
            for steps in (look, change, destroy):
                for step in steps:
                    # who may change a model may set an alias, which stands among the destroying steps to undo one
                    if steps in allowed or (steps is destroy and step is destroy[2] and change in allowed):
                        step()
                    else:
                        with denied():
                            step()
        if permission and permission != "MANAGE":
            with acting(ADA):
                auth.revoke_user_permission(BOB[0], "registered_model", name)
    # grants go with a model to its new name, and end with it
    with acting(ADA):
        auth.grant_user_permission(BOB[0], "registered_model", name, "EDIT")
        client.rename_registered_model(name, own("claret"))
    with acting(BOB):
        client.update_registered_model(own("claret"), "by bob")
    with acting(ADA):
        client.delete_registered_model(own("claret"))
        client.create_registered_model(own("claret"))
    with acting(BOB), denied():
        client.update_registered_model(own("claret"), "by bob")


def roles():
    with acting(ADA):
        experiment = client.create_experiment(own("of roles"))
        run = client.create_run(experiment).info.run_id
        with denied():
            auth.create_role("default", own("mine"))
    with acting(ADMIN):
        role = auth.create_role("default", own("editors"), "may edit")
        assert (role.workspace, role.description, role.permissions) == ("default", "may edit", [])
        with proof.refused("RESOURCE_ALREADY_EXISTS"):
            auth.create_role("default", own("editors"))
        with proof.refused("INVALID_PARAMETER_VALUE"):
            auth.create_role("default", "__user_1__")
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            auth.get_role(10**6)
        edits = auth.add_role_permission(role.id, "experiment", experiment, "EDIT")
        assert (edits.role_id, edits.resource_type, edits.resource_pattern) == (role.id, "experiment", experiment)
        with proof.refused("RESOURCE_ALREADY_EXISTS"):
            auth.add_role_permission(role.id, "experiment", experiment, "READ")
        for wrong in (
            ("experiment", "*", "NO_PERMISSIONS"),
            ("experiment", "*", "OWN"),
            ("galaxy", "*", "READ"),
            ("run", run, "READ"),
            ("workspace", "*", "READ"),
        ):
            with proof.refused("INVALID_PARAMETER_VALUE"):
                auth.add_role_permission(role.id, *wrong)
        given = auth.assign_role(BOB[0], role.id)
        assert given.role_id == role.id and given.user_id == auth.get_user(BOB[0]).id
        with proof.refused("RESOURCE_ALREADY_EXISTS"):
            auth.assign_role(BOB[0], role.id)
        assert [a.user_id for a in auth.list_role_users(role.id)] == [given.user_id]
        assert own("editors") in [r.name for r in auth.list_user_roles(BOB[0])]
        assert own("editors") in [r.name for r in auth.list_all_roles()]
        assert auth.update_role(role.id, description="edit").description == "edit"
    with acting(BOB):
        client.log_metric(run, "m", 1.0)
        with denied():
            client.delete_run(run)
        assert own("editors") in [r.name for r in auth.list_roles("default")]
        with denied():
            auth.list_all_roles()
        with denied():
            auth.add_role_permission(role.id, "experiment", "*", "MANAGE")
    with acting(ADMIN):
        assert auth.update_role_permission(edits.id, "MANAGE").permission == "MANAGE"
        hidden = auth.add_role_permission(role.id, "run", "*", "DENY")
    with acting(BOB):
        client.rename_experiment(experiment, own("of the roles"))
        for step in (lambda: client.get_run(run), lambda: client.log_metric(run, "m", 2.0), lambda: client.list_artifacts(run)):
            with denied():
                step()
        assert client.search_runs([experiment]) == []
    with acting(ADMIN):
        auth.remove_role_permission(hidden.id)
        assert [p.id for p in auth.list_role_permissions(role.id)] == [edits.id]
    with acting(BOB):
        client.delete_run(run)
        client.restore_run(run)
    with acting(ADMIN):
        auth.unassign_role(BOB[0], role.id)
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            auth.unassign_role(BOB[0], role.id)
    with acting(BOB), denied():
        client.log_metric(run, "m", 3.0)
    with acting(ADMIN):
        # who administers a workspace makes roles and users there, and nothing is refused to them
        auth.add_role_permission(role.id, "workspace", "*", "MANAGE")
        auth.add_role_permission(role.id, "experiment", "*", "DENY")
        auth.assign_role(BOB[0], role.id)
    with acting(BOB):
        client.log_metric(run, "m", 4.0)
        auth.create_user(own("erin"), "erin has a password")
        auth.delete_role(auth.create_role("default", own("by bob")).id)
        with denied():
            auth.delete_user(own("erin"))
    with acting(ADMIN):
        auth.delete_role(role.id)
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            auth.get_role(role.id)
    with acting(BOB), denied():
        client.log_metric(run, "m", 5.0)


if __name__ == "__main__":
    proof.prove(
        "access",
        accounts,
        who_is_nobody_is_told_so,
        experiments_step_by_step,
        lists_stay_full,
        models_step_by_step,
        roles,
    )
