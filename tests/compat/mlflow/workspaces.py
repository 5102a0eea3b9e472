"""Workspaces by the published client: what is in one is not seen in another, and who is no member stays outside.

The address is `MLFLOW_TRACKING_URI`; `ADMIN_PASSWORD` is that of the user `admin`. Holds where workspaces are enabled,
and the default one is open to everybody. Leaves with 0 when everything held.
"""

import os

import access
import proof
from access import ADA, ADMIN, BOB, acting, auth, client, denied, own

import mlflow
import requests
from mlflow.exceptions import MlflowException

URI = os.environ["MLFLOW_TRACKING_URI"]
RED, BLUE = own("red"), own("blue")


def workspaces_are_made():
    answer = requests.get(f"{URI}/api/3.0/mlflow/server-info", timeout=60)
    assert answer.json()["workspaces_enabled"] is True, answer.text
    with acting(ADMIN):
        auth.create_user(*ADA)
        auth.create_user(*BOB)
        made = mlflow.create_workspace(RED, description="the red team's")
        assert (made.name, made.description) == (RED, "the red team's"), made
        mlflow.create_workspace(BLUE)
        with proof.refused("RESOURCE_ALREADY_EXISTS"):
            mlflow.create_workspace(RED)
        for wrong in ("default", "a", "Not_A_Label", "api"):
            with proof.refused("INVALID_PARAMETER_VALUE"):
                mlflow.create_workspace(wrong)
        assert {"default", RED, BLUE} <= {w.name for w in mlflow.list_workspaces()}
        assert mlflow.update_workspace(RED, description="reds").description == "reds"
        assert mlflow.get_workspace(RED).description == "reds"
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            mlflow.get_workspace(own("green"))
        assert {r.name for r in auth.list_roles(RED)} == {"admin", "user"}
    unknown = requests.get(
        f"{URI}/api/2.0/mlflow/experiments/get?experiment_id=0",
        headers={"X-MLFLOW-WORKSPACE": own("green")},
        auth=ADMIN,
        timeout=60,
    )
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), unknown.text


def what_is_in_one_is_not_in_another():
    made = {}
    with acting(ADMIN):
        for workspace in (RED, BLUE):
            mlflow.set_workspace(workspace)
            experiment = client.create_experiment(own("same name"))
            run = client.create_run(experiment).info.run_id
            client.log_metric(run, "m", 1.0)
            client.log_text(run, f"of {workspace}", "note.txt")
            client.create_registered_model(own("wine"), description=workspace)
            made[workspace] = (experiment, run)
        assert made[RED][0] != made[BLUE][0]
        for workspace, other in ((RED, BLUE), (BLUE, RED)):
            mlflow.set_workspace(workspace)
            (experiment, run), (hidden, hidden_run) = made[workspace], made[other]
            assert [e.experiment_id for e in client.search_experiments()] == [experiment]
            assert [r.info.run_id for r in client.search_runs([experiment, hidden])] == [run]
            assert client.get_registered_model(own("wine")).description == workspace
            assert mlflow.artifacts.load_text(f"{client.get_run(run).info.artifact_uri}/note.txt") == f"of {workspace}"
            for missing in (
                lambda: client.get_experiment(hidden),
                lambda: client.get_run(hidden_run),
                lambda: client.log_metric(hidden_run, "m", 2.0),
                lambda: client.create_run(hidden),
            ):
                with proof.refused("RESOURCE_DOES_NOT_EXIST"):
                    missing()
            with proof.refused("INVALID_PARAMETER_VALUE"):
                client.create_experiment(own("elsewhere"), artifact_location="s3://elsewhere")
        mlflow.set_workspace("default")
        assert made[RED][0] not in [e.experiment_id for e in client.search_experiments()]
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            client.get_registered_model(own("wine"))


def who_is_no_member_stays_outside():
    with acting(BOB):
        mlflow.set_workspace(RED)
        assert client.search_experiments() == []
        assert client.search_registered_models() == []
        with denied():
            client.create_experiment(own("of bob"))
        with denied():
            client.create_registered_model(own("of bob"))
        assert RED not in [w.name for w in mlflow.list_workspaces()]
        with denied():
            mlflow.get_workspace(RED)
        with denied():
            mlflow.create_workspace(own("green"))
    with acting(ADMIN):
        (member,) = [r for r in auth.list_roles(RED) if r.name == "user"]
        auth.assign_role(BOB[0], member.id)
    with acting(BOB):
        mlflow.set_workspace(RED)
        assert [w.name for w in mlflow.list_workspaces() if w.name == RED] == [RED]
        assert len(client.search_experiments()) == 1
        experiment = client.create_experiment(own("of bob"))
        client.log_metric(client.create_run(experiment).info.run_id, "m", 1.0)
        client.delete_experiment(experiment)
        with denied():
            client.delete_experiment(client.get_experiment_by_name(own("same name")).experiment_id)


def a_workspace_is_deleted_when_it_is_empty():
    with acting(ADMIN):
        mlflow.set_workspace("default")
        mlflow.create_workspace(own("empty"))
        mlflow.delete_workspace(own("empty"))
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            mlflow.get_workspace(own("empty"))
        assert auth.list_roles(own("empty")) == []
        with proof.refused("INVALID_PARAMETER_VALUE"):
            mlflow.delete_workspace("default")
        try:
            mlflow.delete_workspace(RED)
        except MlflowException as error:
            # the stock server answers 500, of which its client tells only that there were too many
            assert error.error_code in ("INVALID_STATE", "INTERNAL_ERROR"), error
        else:
            raise AssertionError("a workspace with experiments in it was deleted")


if __name__ == "__main__":
    assert access.URI == URI
    proof.prove(
        "workspaces",
        workspaces_are_made,
        what_is_in_one_is_not_in_another,
        who_is_no_member_stays_outside,
        a_workspace_is_deleted_when_it_is_empty,
    )
