"""Plug-ins of a bundle, and what the scheduler has to ask them: timetables and priority weight strategies."""

from __future__ import annotations

import datetime
import os
import sys
import traceback

from artel_side import installed

FOLDER = "plugins"  # of a bundle, beside AIRFLOW_HOME/plugins


def folders(bundle_path: str) -> list[str]:
    """Where plug-ins are looked for: upstream's folder and the bundle's own."""
    from airflow import settings

    found = [settings.PLUGINS_FOLDER, os.path.join(bundle_path, FOLDER)]
    return [folder for folder in dict.fromkeys(found) if folder and os.path.isdir(folder)]


def use_bundle(bundle_path: str) -> None:
    """Have Airflow load the bundle's own plug-ins too, when it loads plug-ins. For a process that serves one bundle.

    Both of Airflow's plug-in managers read one folder; here they read each in turn.
    """
    own = os.path.join(bundle_path, FOLDER)
    if not os.path.isdir(own):
        return
    from airflow import plugins_manager as of_core
    from airflow.sdk import plugins_manager as of_tasks

    if own not in sys.path:
        sys.path.append(own)
    for manager in (of_core, of_tasks):
        load = manager._load_plugins_from_plugin_directory
        manager._load_plugins_from_plugin_directory = _of_both(load, own)


def _of_both(load, own: str):
    def load_both(plugins_folder: str, *arguments, **options):
        plugins, errors = [], {}
        for folder in (plugins_folder, own):
            if os.path.isdir(folder):
                more, wrong = load(folder, *arguments, **options) if arguments else load(plugins_folder=folder, **options)
                plugins += more
                errors |= wrong
        return plugins, errors

    return load_both


def weights(serialized: dict) -> dict[str, int]:
    """What strategies of plug-ins say about tasks of a serialized DAG, as Airflow asks them when it makes task instances.

    A strategy has no state and sees no run, so its answer is the same for every run of this form of the DAG.
    """
    rules = {}
    for task in serialized["dag"]["tasks"]:
        operator = task["__var"]
        rule = operator.get("weight_rule") or operator.get("partial_kwargs", {}).get("weight_rule")
        if isinstance(rule, str) and "." in rule:
            rules[operator["task_id"]] = rule
    if not rules:
        return {}
    from airflow.models.taskinstance import TaskInstance
    from airflow.serialization.serialized_objects import DagSerialization

    tasks = DagSerialization.from_dict(serialized).task_dict
    return {task_id: int(TaskInstance(tasks[task_id], dag_version_id=None, run_id="").priority_weight) for task_id in rules}


def links(serialized: dict, bundle_path: str) -> dict[str, list[str]]:
    """Names of the links that plug-ins add to tasks, by task (airflow/serialization/serialized_objects.py)."""
    if not any(name.endswith(".py") for folder in folders(bundle_path) for _, _, names in os.walk(folder) for name in names):
        return {}
    from airflow import plugins_manager

    of_operators: dict[tuple, set[str]] = {}
    for link in plugins_manager.get_operator_extra_links():
        for operator in link.operators:
            of_operators.setdefault((operator.__module__, operator.__name__), set()).add(link.name)
    of_all = {link.name for link in plugins_manager.get_global_operator_extra_links()}
    found = {}
    for task in serialized["dag"]["tasks"]:
        operator = task["__var"]
        if names := of_all | of_operators.get((operator["_task_module"], operator["task_type"]), set()):
            found[operator["task_id"]] = sorted(names)
    return found


def link_urls(request: dict) -> dict[str, str | None]:
    """Where the links of plug-ins lead for one task instance."""
    from airflow import plugins_manager
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.serialization.serialized_objects import DagSerialization

    given = request["instance"]
    task = DagSerialization.from_dict(request["dag"]).task_dict[given["task_id"]]
    key = TaskInstanceKey(**given)
    every = [*plugins_manager.get_global_operator_extra_links(), *plugins_manager.get_operator_extra_links()]
    urls = {}
    for link in every:
        if link.name in request["names"]:
            try:
                urls[link.name] = link.get_link(task, ti_key=key) or None
            except Exception as error:  # one link of many; upstream shows the others too
                print(f"link {link.name} of {given['task_id']}: {error}", file=sys.stderr)
                urls[link.name] = None
    return urls


def about_timetable(timetable) -> dict:
    """What a timetable says of itself, for people."""
    return {
        "type_name": timetable.type_name,
        "summary": timetable.summary,
        "description": timetable.description,
        "periodic": bool(timetable.periodic),
    }


def answer(request: dict, asks) -> dict:
    """The answer to a question for a plug-in; its failure is part of it. ``asks`` gives it Variables meanwhile."""
    try:
        from airflow.sdk.execution_time import task_runner
        from airflow.serialization.decoders import decode_timetable

        task_runner.SUPERVISOR_COMMS = asks

        use_bundle(request["bundle_path"])
        if request["op"] == "links":
            return {"id": request["id"], "answer": link_urls(request)}
        if request["op"] == "installed":
            return {"id": request["id"], "answer": installed.tell(request["what"])}
        return {"id": request["id"], "answer": ask(decode_timetable(request["timetable"]), request["question"])}
    except Exception:  # code of the user's choice may fail in any way
        return {"id": request["id"], "error": traceback.format_exc(limit=-4)}


def ask(timetable, question: dict):
    """Call the timetable as Airflow's scheduler does."""
    from airflow.timetables.base import TimeRestriction
    from airflow.utils.types import DagRunType

    kind = question["ask"]
    if kind == "next":
        restriction = TimeRestriction(
            earliest=moment(question["earliest"]), latest=moment(question["latest"]), catchup=question["catchup"]
        )
        info = timetable.next_dagrun_info(last_automated_data_interval=interval(question["last"]), restriction=restriction)
        if info is None:
            return None
        return {"run_after": shown(info.run_after), **shown_interval(info.data_interval)}
    if kind == "between":
        return between(timetable, moment(question["earliest"]), moment(question["latest"]))
    if kind == "manual":
        return shown_interval(timetable.infer_manual_data_interval(run_after=moment(question["run_after"])))
    if kind == "run_id":
        return timetable.generate_run_id(
            run_type=DagRunType(question["run_type"]),
            run_after=moment(question["run_after"]),
            data_interval=interval(question["interval"]),
        )
    raise ValueError(f"unknown question {kind!r}")


MOST_RUNS = 100_000  # so many at once is nobody's wish


def between(timetable, earliest, latest) -> list[dict]:
    """The runs of a span (serialization/definitions/dag.py `iter_dagrun_infos_between`)."""
    from airflow.timetables.base import TimeRestriction

    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=True)
    found, info = [], None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        if len(found) == MOST_RUNS:
            raise ValueError(f"from {earliest} to {latest} there are more than {MOST_RUNS} runs; choose a shorter range")
        found.append({"run_after": shown(info.run_after), **shown_interval(info.data_interval)})
    return found


def moment(text: str | None):
    import pendulum

    return None if text is None else pendulum.instance(datetime.datetime.fromisoformat(text)).in_timezone("UTC")


def interval(value: dict | None):
    from airflow.timetables.base import DataInterval

    return None if value is None else DataInterval(moment(value["start"]), moment(value["end"]))


def shown(at: datetime.datetime) -> str:
    if at.tzinfo is None:
        raise ValueError(f"the timetable gave {at} without a time zone")
    return at.astimezone(datetime.timezone.utc).isoformat()


def shown_interval(given) -> dict:
    return {"start": None, "end": None} if given is None else {"start": shown(given.start), "end": shown(given.end)}
