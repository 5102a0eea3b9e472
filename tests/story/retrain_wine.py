"""An ordinary Airflow 3 DAG: trains the wine classifier again and promotes it when it beats the champion.

It trains only when the data or the recipe has changed since the champion, so its schedule may be short.
"""

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Variable, dag, get_current_context, task

MODEL = "wine"
RECIPE = "scaled support vectors"


@dag(
    schedule="*/5 * * * *",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["wine", "training"],
    doc_md=__doc__,
)
def retrain_wine():
    announce = BashOperator(
        task_id="announce",
        bash_command="echo \"retraining of {{ dag_run.run_id }} on $(uname -s)\"",
    )

    @task(retries=2, retry_delay=dt.timedelta(seconds=2))
    def fetch() -> dict:
        """The data set's digest. Fails once, as sources do."""
        if get_current_context()["ti"].try_number == 1:
            raise ConnectionError("the cellar does not answer yet")
        frame = wine()
        print(f"{len(frame)} wines, {len(frame.columns) - 1} features")
        return {"rows": len(frame), "digest": digest(frame)}

    @task.branch
    def choose(data: dict) -> str:
        """Whether there is anything to learn that the champion does not know."""
        champion = client().get_model_version_by_alias(MODEL, "champion")
        known = (champion.tags.get("data_digest"), champion.tags.get("recipe"))
        return "nothing_new" if known == (data["digest"], RECIPE) else "train"

    @task
    def train(data: dict) -> dict:
        """A new version of the model."""
        import mlflow
        from mlflow.models import infer_signature
        from sklearn.metrics import accuracy_score
        from sklearn.model_selection import train_test_split
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        frame = wine()
        learn, valid = train_test_split(frame, test_size=0.3, random_state=7, stratify=frame["target"])
        features = [column for column in frame.columns if column != "target"]
        mlflow.set_experiment("wine")
        with mlflow.start_run(run_name="retrained") as run:
            mlflow.log_params({"model": RECIPE, "C": 1.0, "scaled": True})
            mlflow.log_input(mlflow.data.from_pandas(learn, name="wine", targets="target"), context="training")
            model = make_pipeline(StandardScaler(), SVC(C=1.0, random_state=7)).fit(learn[features], learn["target"])
            accuracy = accuracy_score(valid["target"], model.predict(valid[features]))
            mlflow.log_metric("accuracy", accuracy)
            mlflow.set_tag("recipe", RECIPE)
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=infer_signature(learn[features], model.predict(learn[features])),
                input_example=learn[features].head(3),
                registered_model_name=MODEL,
            )
        version = str(logged.registered_model_version)
        for key, value in {"data_digest": data["digest"], "recipe": RECIPE}.items():
            client().set_model_version_tag(MODEL, version, key, value)
        return {"version": version, "run_id": run.info.run_id, "accuracy": accuracy}

    @task.branch
    def compare(candidate: dict) -> str:
        """Better than the champion by at least the Variable ``wine_min_gain``?"""
        champion = client().get_model_version_by_alias(MODEL, "champion")
        reigning = client().get_run(champion.run_id).data.metrics["accuracy"]
        gain = candidate["accuracy"] - reigning
        print(f"champion v{champion.version}: {reigning:.3f}, candidate v{candidate['version']}: {candidate['accuracy']:.3f}")
        return "promote" if gain >= float(Variable.get("wine_min_gain", default="0.01")) else "keep"

    @task
    def promote(candidate: dict) -> str:
        client().set_registered_model_alias(MODEL, "champion", candidate["version"])
        Variable.set("wine_champion", candidate["version"], description="the version promoted last")
        return candidate["version"]

    @task
    def keep(candidate: dict) -> None:
        print(f"version {candidate['version']} is not better and waits")

    @task
    def nothing_new() -> None:
        print("the champion was trained on this data with this recipe")

    @task(trigger_rule="none_failed_min_one_success")
    def report() -> str:
        champion = client().get_model_version_by_alias(MODEL, "champion")
        print(f"the champion is version {champion.version}")
        return champion.version

    data = fetch()
    chosen = choose(data)
    candidate = train(data)
    decision = compare(candidate)
    promoted, kept, idle = promote(candidate), keep(candidate), nothing_new()

    announce >> data
    chosen >> [candidate, idle]
    decision >> [promoted, kept]
    [promoted, kept, idle] >> report()


def wine():
    """The data set, as the scikit-learn package ships it."""
    from sklearn.datasets import load_wine

    return load_wine(as_frame=True).frame


def digest(frame) -> str:
    import hashlib

    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]


def client():
    from mlflow import MlflowClient

    return MlflowClient()


retrain_wine()
