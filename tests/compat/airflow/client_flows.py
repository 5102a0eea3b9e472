"""What people script with the published client, with its results asserted. It holds on stock Airflow as well.

    python client_flows.py --artel URL --password PASSWORD --dags FOLDER
    python client_flows.py --stock            (by a Python that has apache-airflow: starts one)
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

from airflow_client.client import models
from session import Session, client, eventually, plain

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 120
DAG = "flow"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--artel")
    parser.add_argument("--password")
    parser.add_argument("--dags", type=pathlib.Path)
    parser.add_argument("--environment")
    parser.add_argument("--stock", action="store_true")
    options = parser.parse_args()
    with server(options) as session:
        if not eventually(lambda: session.dags.get_dag("flow_daily"), lambda _: True, SECONDS):
            raise SystemExit("the DAG file did not become visible")
        failed = [flow.__name__ for flow in FLOWS if not holds(flow, session)]
    print(f"airflow client: not held: {', '.join(failed)}" if failed else "airflow client: all held")
    return bool(failed)


@contextlib.contextmanager
def server(options):
    if not options.stock:
        shutil.copytree(HERE / "flow_dags", options.dags, dirs_exist_ok=True)
        yield Session(options.artel, "admin", options.password)
        return
    import stock

    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        shutil.copytree(HERE / "flow_dags", folder, dirs_exist_ok=True)
        with stock.running(sys.executable, pathlib.Path(folder)) as running:
            yield Session(running.url, running.user, running.password, patient=True)


def holds(flow, session: Session) -> bool:
    began = time.monotonic()
    try:
        flow(session)
    except Exception:
        print(f"{flow.__name__}: {traceback.format_exc(limit=-3)[:1500]}", flush=True)
        return False
    print(f"{flow.__name__}: held in {time.monotonic() - began:.0f} s", flush=True)
    return True


def refused(status: int, call, *arguments, **named) -> dict:
    """The body of an error, which has to be of this status."""
    try:
        call(*arguments, **named)
    except client.exceptions.ApiException as error:
        assert error.status == status, f"{error.status} in place of {status}: {error.body}"
        return json.loads(error.body)
    raise AssertionError(f"{call.__name__} was not refused")


def same(found, expected) -> None:
    assert found == expected, f"{found!r} in place of {expected!r}"


def states(session: Session, run: str, dag: str = DAG) -> dict:
    return {(i.task_id, i.map_index): i.state and i.state.value for i in session.instances_of(dag, run)}


def settings(session: Session) -> None:
    """A pool, a variable, a connection: made, read, changed, listed, and removed."""
    session.pools.post_pool(models.PoolBody(name="narrow", slots=1, description="for one"))
    session.pools.patch_pool("narrow", models.PoolPatchBody(pool="narrow", slots=2), update_mask=["slots"])
    pool = session.pools.get_pool("narrow")
    same((pool.slots, pool.description, pool.open_slots, pool.running_slots), (2, "for one", 2, 0))
    same(sorted(pool.name for pool in session.pools.get_pools().pools), ["default_pool", "narrow"])

    session.variables.post_variable(models.VariableBody(key="verdict", value="guilty", description="of the court"))
    session.variables.post_variable(models.VariableBody(key="api_secret", value="hush"))
    same(session.variables.get_variable("verdict").value, "guilty")
    same(session.variables.get_variable("api_secret").value, "***")
    session.variables.patch_variable("verdict", models.VariableBody(key="verdict", value="not guilty"), update_mask=["value"])
    changed = session.variables.get_variable("verdict")
    same((changed.value, changed.description), ("not guilty", "of the court"))
    session.variables.patch_variable("verdict", models.VariableBody(key="verdict", value="guilty"), update_mask=["value"])
    session.variables.delete_variable("api_secret")
    same([variable.key for variable in session.variables.get_variables().variables], ["verdict"])

    body = models.ConnectionBody(connection_id="shop", conn_type="postgres", host="db.example", login="ada", password="hush", port=5432, extra='{"sslmode": "require", "api_key": "k"}')
    session.connections.post_connection(body)
    found = session.connections.get_connection("shop")
    same((found.conn_type, found.host, found.port, found.login), ("postgres", "db.example", 5432, "ada"))
    same(found.password, "***")
    same(json.loads(found.extra), {"sslmode": "require", "api_key": "***"})
    session.connections.patch_connection("shop", models.ConnectionBody(connection_id="shop", conn_type="postgres", host="db2.example"), update_mask=["host"])
    found = session.connections.get_connection("shop")
    same((found.host, found.login), ("db2.example", "ada"))
    session.connections.delete_connection("shop")
    refused(404, session.connections.get_connection, "shop")


def listing(session: Session) -> None:
    """DAGs by tag and pattern, with pages and order; tasks and the source."""
    everything = session.dags.get_dags(order_by=["dag_id"])
    same([dag.dag_id for dag in everything.dags], ["flow", "flow_daily"])
    same(everything.total_entries, 2)
    same([dag.dag_id for dag in session.dags.get_dags(limit=1, order_by=["-dag_id"]).dags], ["flow_daily"])
    same([dag.dag_id for dag in session.dags.get_dags(limit=1, offset=1, order_by=["-dag_id"]).dags], ["flow"])
    same([dag.dag_id for dag in session.dags.get_dags(tags=["flow"]).dags], ["flow"])
    same([dag.dag_id for dag in session.dags.get_dags(dag_id_pattern="DAILY").dags], ["flow_daily"])
    same(session.dags.get_dags(paused=False).total_entries, 0)
    same([task.task_id for task in session.tasks.get_tasks(DAG, order_by="task_id").tasks], ["double", "judge", "last", "numbers"])
    same(session.tasks.get_task(DAG, "double").is_mapped, True)
    same(session.dags.get_dag_details(DAG).params["count"]["value"], 2)
    same(session.dags.get_dag_tags().tags, ["flow"])
    told = {dag.dag_id: (dag.timetable_summary, dag.timetable_description) for dag in everything.dags}
    same(told, {"flow": (None, "Never, external triggers only"), "flow_daily": ("0 0 * * *", "At 00:00")})
    assert "counting to" in client.DagSourceApi(session.api).get_dag_source(DAG, accept="application/json").content
    same(client.VersionApi(session.api).get_version().version, "3.3.2")
    same(client.MonitorApi(session.api).get_health().scheduler.status, "healthy")


def triggering(session: Session) -> None:
    """A run with conf is followed to its end; states, logs and XComs are read."""
    session.unpause(DAG)
    run = session.trigger(DAG, "first", datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), {"count": 3}, note="as asked")
    same((run.dag_run_id, run.run_type, run.conf, run.note, run.triggering_user_name), ("first", "manual", {"count": 3}, "as asked", "admin"))
    same(session.wait(DAG, "first", SECONDS), "failed")
    waited = session.runs.wait_dag_run_until_finished_without_preload_content(DAG, "first", 1, result=["numbers"])
    lines = [json.loads(line) for line in waited.data.decode().splitlines()]
    same((lines[-1]["state"], lines[-1].get("results")), ("failed", {"numbers": [0, 1, 2]}))
    mapped = {("double", number): "success" for number in range(3)}
    same(states(session, "first"), {("numbers", -1): "success", **mapped, ("judge", -1): "failed", ("last", -1): "upstream_failed"})
    same(session.instances.get_task_instances(DAG, "first", state=["failed"]).task_instances[0].task_id, "judge")
    same(session.instances.get_mapped_task_instances(DAG, "first", "double", limit=2).total_entries, 3)
    doubled = session.instances.get_mapped_task_instance(DAG, "first", "double", 2)
    same((doubled.state, doubled.rendered_map_index, doubled.try_number), ("success", "2", 1))

    values = session.xcoms.get_xcom_entries(DAG, "first", "double", order_by=["map_index"]).xcom_entries
    same([(value.key, value.map_index) for value in values], [("return_value", 0), ("return_value", 1), ("return_value", 2)])
    read = session.xcoms.get_xcom_entry
    same(read(DAG, "numbers", "first", "return_value", stringify=False).actual_instance.value, [0, 1, 2])
    same(read(DAG, "numbers", "first", "return_value", stringify=True).actual_instance.value, "[0, 1, 2]")
    same(read(DAG, "double", "first", "return_value", map_index=2, stringify=False).actual_instance.value, 4)

    log = session.instances.get_log(DAG, "first", "judge", 1, full_content=True, accept="application/json")
    events = [plain(line) for line in log.content.actual_instance]
    assert any("the verdict is guilty" in str(line) for line in events), events[-5:]
    # the client's own form of a line has no room for the traceback
    whole = session.instances.get_log_without_preload_content(DAG, "first", "judge", 1, full_content=True, accept="application/json")
    lines = json.loads(whole.data)["content"]
    assert any("ValueError" in str(line) and "guilty" in str(line) for line in lines), lines[-5:]
    session.runs.patch_dag_run(DAG, "first", models.DAGRunPatchBody(note="seen"), update_mask=["note"])
    same(session.runs.get_dag_run(DAG, "first").note, "seen")
    batch = session.runs.get_list_dag_runs_batch("~", models.DAGRunsBatchBody(dag_ids=[DAG], states=["failed"]))
    same([run.dag_run_id for run in batch.dag_runs], ["first"])


def clearing(session: Session) -> None:
    """What failed is cleared with what depends on it, first as a dry run, and runs again to another end."""
    body = {"dag_run_id": "first", "task_ids": None, "only_failed": True}
    would = session.instances.post_clear_task_instances(DAG, models.ClearTaskInstancesBody(**body, dry_run=True))
    same(sorted(instance.task_id for instance in would.task_instances), ["judge", "last"])
    same(states(session, "first")[("judge", -1)], "failed")
    session.variables.patch_variable("verdict", models.VariableBody(key="verdict", value="not guilty"), update_mask=["value"])
    session.instances.post_clear_task_instances(DAG, models.ClearTaskInstancesBody(**body, dry_run=False))
    same(session.wait(DAG, "first", SECONDS), "success")
    judge = session.instances.get_task_instance(DAG, "first", "judge")
    same((judge.state, judge.try_number), ("success", 2))
    tries = session.instances.get_task_instance_tries(DAG, "first", "judge").task_instances
    same([(one.try_number, one.state.value) for one in sorted(tries, key=lambda one: one.try_number)], [(1, "failed"), (2, "success")])
    same(session.instances.get_task_instance(DAG, "first", "numbers").try_number, 1)
    read = session.xcoms.get_xcom_entry
    same(read(DAG, "judge", "first", "return_value", stringify=False).actual_instance.value, 6)

    # one task and what follows it
    ids = [models.ClearTaskInstancesBodyTaskIdsInner("judge")]
    body = models.ClearTaskInstancesBody(dag_run_id="first", task_ids=ids, only_failed=False, include_downstream=True, dry_run=False)
    cleared = session.instances.post_clear_task_instances(DAG, body)
    same(sorted(instance.task_id for instance in cleared.task_instances), ["judge", "last"])
    same(session.wait(DAG, "first", SECONDS), "success")
    # the whole run
    session.runs.clear_dag_run(DAG, "first", models.DAGRunClearBody(dry_run=False))
    same(session.wait(DAG, "first", SECONDS), "success")
    same({i.task_id: i.try_number for i in session.instances_of(DAG, "first")}, {"numbers": 2, "double": 2, "judge": 4, "last": 3})


def marking(session: Session) -> None:
    """Task instances and runs are given a state by hand."""
    session.variables.patch_variable("verdict", models.VariableBody(key="verdict", value="guilty"), update_mask=["value"])
    session.trigger(DAG, "marked", datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc))
    same(session.wait(DAG, "marked", SECONDS), "failed")
    body = models.PatchTaskInstanceBody(new_state="success")
    dry = session.instances.patch_task_instance_dry_run(DAG, "marked", "judge", body)
    same([instance.task_id for instance in dry.task_instances], ["judge"])
    session.instances.patch_task_instance(DAG, "marked", "judge", body, update_mask=["new_state"])
    same(session.instances.get_task_instance(DAG, "marked", "judge").state, "success")
    session.runs.patch_dag_run(DAG, "marked", models.DAGRunPatchBody(state="success"), update_mask=["state"])
    same(session.runs.get_dag_run(DAG, "marked").state, "success")
    session.runs.delete_dag_run(DAG, "marked")
    refused(404, session.runs.get_dag_run, DAG, "marked")


def backfilling(session: Session) -> None:
    """A range of days, first as a dry run; then what is there already is left alone."""
    session.unpause("flow_daily")
    days = [datetime.datetime(2026, 1, number, tzinfo=datetime.timezone.utc) for number in (5, 7)]
    body = models.BackfillPostBody(dag_id="flow_daily", from_date=days[0], to_date=days[1], dag_run_conf={"why": "again"}, max_active_runs=2)
    would = session.backfills.create_backfill_dry_run(body)
    same([f"{one.logical_date:%d}" for one in would.backfills], ["05", "06", "07"])
    backfill = session.backfills.create_backfill(body)
    same((backfill.dag_id, backfill.max_active_runs, backfill.is_paused), ("flow_daily", 2, False))

    def of_backfill():
        return session.runs.get_dag_runs("flow_daily", run_type=["backfill"], order_by=["logical_date"]).dag_runs

    runs = eventually(of_backfill, lambda runs: len(runs) == 3 and all(run.state == "success" for run in runs), SECONDS)
    same([(f"{run.logical_date:%d}", run.state, run.conf) for run in runs], [(day, "success", {"why": "again"}) for day in ("05", "06", "07")])
    read = session.xcoms.get_xcom_entry
    same(read("flow_daily", "day", runs[1].dag_run_id, "return_value", stringify=False).actual_instance.value, ["2026-01-06", {"why": "again"}])
    done = eventually(lambda: session.backfills.get_backfill(backfill.id), lambda b: b.completed_at is not None, SECONDS)
    assert done.completed_at is not None, "the backfill has not been completed"
    same([one.id for one in session.backfills.list_backfills("flow_daily").backfills], [backfill.id])


def writing_values(session: Session) -> None:
    """XComs and what a task keeps, written by hand."""
    place = {"dag_id": DAG, "dag_run_id": "first", "task_id": "judge"}
    made = session.xcoms.create_xcom_entry(**place, x_com_create_body=models.XComCreateBody(key="by/hand", value={"n": [1, None]}))
    same((made.key, made.value, made.map_index, made.run_id), ("by/hand", {"n": [1, None]}, -1, "first"))
    refused(409, session.xcoms.create_xcom_entry, **place, x_com_create_body=models.XComCreateBody(key="by/hand", value=1))
    changed = session.xcoms.update_xcom_entry(**place, xcom_key="by/hand", x_com_update_body=models.XComUpdateBody(value=[2]))
    same(changed.value, [2])
    same([value.key for value in session.xcoms.get_xcom_entries(**place, xcom_key_pattern="HAND").xcom_entries], ["by/hand"])
    session.xcoms.delete_xcom_entry(**place, xcom_key="by/hand")
    refused(404, session.xcoms.delete_xcom_entry, **place, xcom_key="by/hand")
    refused(404, session.xcoms.update_xcom_entry, **place, xcom_key="by/hand", x_com_update_body=models.XComUpdateBody(value=1))
    nothing = models.XComCreateBody(key="k", value=1)
    said = refused(404, session.xcoms.create_xcom_entry, **(place | {"task_id": "nothing"}), x_com_create_body=nothing)
    same(said["detail"], "Task with ID: `nothing` not found in dag: `flow`")

    kept = client.TaskStateStoreApi(session.api)
    body = models.TaskStateStoreBody(value={"page": 3}, expires_at=None)
    kept.set_task_state_store("cursor", **place, task_state_store_body=body)
    found = kept.get_task_state_store("cursor", **place)
    same((found.value.to_dict() if hasattr(found.value, "to_dict") else found.value, found.expires_at), ({"page": 3}, None))
    same(kept.list_task_state_store(**place).total_entries, 1)
    kept.clear_task_state_store(**place)
    refused(404, kept.get_task_state_store, "cursor", **place)


def looking_around(session: Session) -> None:
    """What else there is to see: who did what, what is installed, who is at work."""
    batch = models.TaskInstancesBatchBody(dag_ids=[DAG], task_ids=["judge", "last"], state=["success"], order_by="-id")
    same({i.task_id for i in session.instances.get_task_instances_batch("~", "~", batch).task_instances}, {"judge", "last"})
    same(session.instances.get_task_instances(DAG, "first", version_number=[99]).total_entries, 0)
    same(session.runs.get_dag_runs(DAG, duration_gte=3600.0).total_entries, 0)
    same(session.runs.get_dag_runs(DAG, conf_contains='"count": 3').total_entries, 1)
    same(session.instances.get_task_instance_dependencies(DAG, "first", "judge").dependencies, [])
    refused(400, session.instances.get_external_log_url, DAG, "first", "judge", 1)
    same(client.ExtraLinksApi(session.api).get_extra_links(DAG, "first", "judge").total_entries, 0)
    same(session.instances.get_hitl_details(DAG, "first").total_entries, 0)

    session.dags.patch_dags(models.DAGPatchBody(is_paused=True), dag_id_pattern="flow_d")
    same([dag.dag_id for dag in session.dags.get_dags(paused=True).dags], ["flow_daily"])
    session.dags.favorite_dag(DAG)
    same([dag.dag_id for dag in session.dags.get_dags(is_favorite=True).dags], [DAG])
    session.dags.unfavorite_dag(DAG)
    refused(409, session.dags.unfavorite_dag, DAG)
    (stats,) = client.DagStatsApi(session.api).get_dag_stats(dag_ids=[DAG]).dags
    same({one.state: one.count for one in stats.stats}["success"], 1)
    versions = client.DagVersionApi(session.api).get_dag_versions("~", order_by=["version_number"]).dag_versions
    same({version.dag_id for version in versions}, {"flow", "flow_daily"})
    same(client.DagWarningApi(session.api).list_dag_warnings().total_entries, 0)
    same(session.errors.get_import_errors().total_entries, 0)
    same(session.dags.get_dag_tags(tag_name_pattern="nothing").total_entries, 0)

    log = client.EventLogApi(session.api)
    (triggered, *_) = log.get_event_logs(event="trigger_dag_run", dag_id=DAG, order_by=["event_log_id"]).event_logs
    same((triggered.owner, triggered.dag_display_name), ("admin", DAG))
    same(json.loads(triggered.extra)["conf"], {"count": 3})
    same(log.get_event_log(triggered.event_log_id).when, triggered.when)
    said = [event.event for event in log.get_event_logs(task_id="numbers", run_id="first", order_by=["event_log_id"]).event_logs]
    same(said, ["running", "success", "running", "success"])
    secret = log.get_event_logs(event_pattern="variable", order_by=["event_log_id"]).event_logs
    assert secret and not any("hush" in event.extra or "guilty" in event.extra for event in secret), secret
    refused(404, log.get_event_log, 1 << 40)

    kinds = {job.job_type for job in client.JobApi(session.api).get_jobs(is_alive=True).jobs}
    assert kinds >= {"SchedulerJob", "DagProcessorJob", "TriggererJob"}, kinds
    providers = client.ProviderApi(session.api).get_providers(limit=1000)
    same(len(providers.providers), providers.total_entries)
    assert "apache-airflow-providers-standard" in {provider.package_name for provider in providers.providers}
    plugins = client.PluginApi(session.api)
    same(len(plugins.get_plugins(limit=1000).plugins), plugins.get_plugins().total_entries)
    same(plugins.import_errors().import_errors, [])
    refused(403, client.ConfigApi(session.api).get_config, accept="application/json")
    refused(403, session.connections.test_connection, models.ConnectionBody(connection_id="c", conn_type="http"))
    session.connections.create_default_connections()
    same(session.connections.get_connection("sqlite_default").conn_type, "sqlite")


def errors(session: Session) -> None:
    """Mistakes are told as upstream tells them: the status, and a body with `detail`."""
    same(refused(404, session.dags.get_dag, "nothing")["detail"], "The Dag with ID: `nothing` was not found")
    refused(404, session.runs.get_dag_run, DAG, "nothing")
    refused(404, session.instances.get_task_instance, DAG, "first", "nothing")
    refused(404, session.variables.get_variable, "nothing")
    refused(404, session.pools.get_pool, "nothing")
    refused(404, session.backfills.get_backfill, 123456)
    refused(409, session.trigger, DAG, "first", datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc))
    refused(409, session.trigger, DAG, "other", datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc))
    refused(409, session.pools.post_pool, models.PoolBody(name="narrow", slots=1))
    refused(400, session.pools.delete_pool, "default_pool")
    refused(400, session.trigger, DAG, "wrong", None, {"count": "many"})
    refused(400, session.dags.get_dags, order_by=["nothing"])
    refused(422, session.runs.get_dag_runs, DAG, state=["nothing"])
    broken = client.ApiClient(client.Configuration(host=session.api.configuration.host, access_token="broken"))
    refused(401, client.DAGApi(broken).get_dags)


FLOWS = (settings, listing, triggering, clearing, marking, backfilling, writing_values, looking_around, errors)

if __name__ == "__main__":
    sys.exit(main())
