"""Records what Airflow's own scheduler makes of DAG runs step by step, for the native decision to be compared with.

    AIRFLOW_HOME=$(mktemp -d) ENV/bin/python decisions.py > decisions.json      (an environment of python/requirements/airflow.txt)

Each case is a random DAG (trigger rules, setups and teardowns, branches, mapped tasks and groups) and a run of it. A step
lists the state of every instance once the scheduler has nothing more to decide ("ready" where it would schedule it), what it
knew of lengths and branches, and the states that some of the ready ones get next.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sys

os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")

from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XComModel
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, TaskGroup, TriggerRule
from airflow.sdk.definitions.taskgroup import MappedTaskGroup
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.serialization.definitions.mappedoperator import is_mapped
from airflow.serialization.definitions.xcom_arg import SchedulerPlainXComArg, get_task_map_length
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import func, select

CASES = 220
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RULES = [r.value for r in TriggerRule]
KEEP = {
    "task_id", "downstream_task_ids", "trigger_rule", "is_setup", "is_teardown", "on_failure_fail_dagrun", "_is_mapped", "expand_input",
    "_expand_input_attr", "_can_skip_downstream", "partial_kwargs",
}


def rule(rng):
    return "all_success" if rng.random() < 0.45 else rng.choice(RULES)


def inner_rule(rng):
    """In a mapped group `always` is refused."""
    chosen = rule(rng)
    return "all_done" if chosen == "always" else chosen


def operator(rng, name, sources):
    """A task: plain, branching, or mapped over literals, a result or both."""
    kind = rng.random()
    if kind < 0.12:
        return ShortCircuitOperator(task_id=name, python_callable=bool, trigger_rule=rule(rng)), "plain"
    if kind < 0.4:
        given = {"bash_command": rng.choice([["a", "b"], ["a"], ["a", "b", "c"], []])}
        if sources and rng.random() < 0.7:
            one, other = rng.choice(sources).output, rng.choice(sources).output
            given["bash_command"] = rng.choice([one, one.map(lambda v: v), one.zip(other), one.zip(other, fillvalue=1), one.concat(other)])
            if rng.random() < 0.3:
                given["env"] = [{"A": "1"}, {"A": "2"}]
        return BashOperator.partial(task_id=name, trigger_rule=rule(rng)).expand(**given), "mapped"
    return BashOperator(task_id=name, bash_command="true", trigger_rule=rule(rng)), "plain"


def link(rng, tasks, new):
    for other in rng.sample(tasks, min(len(tasks), rng.choice([0, 1, 1, 2]))):
        if other.task_id not in new.upstream_task_ids:
            other >> new


def group(rng, number, sources, tasks):
    over = rng.choice([["a", "b"], ["a", "b", "c"], []]) if not sources or rng.random() < 0.35 else rng.choice(sources).output
    made = []
    with MappedTaskGroup(group_id=f"g{number}", expand_input=DictOfListsExpandInput({"x": over})) as outer:
        first = BashOperator(task_id="first", bash_command="true", trigger_rule=inner_rule(rng))
        second = BashOperator(task_id="second", bash_command="true", trigger_rule=inner_rule(rng))
        first >> second
        made += [first, second]
        if rng.random() < 0.6:
            with TaskGroup("inner"):
                third = BashOperator(task_id="third", bash_command="true", trigger_rule=inner_rule(rng))
            rng.choice([first, second]) >> third
            made.append(third)
        if rng.random() < 0.3:
            up = BashOperator(task_id="up", bash_command="true").as_setup()
            down = BashOperator(task_id="down", bash_command="true").as_teardown(setups=up)
            up >> first
            made[-1] >> down
    for task in made[:2]:
        link(rng, tasks, task)
    if not isinstance(over, list):
        over.operator >> outer
    return made


def build(rng, number):
    with DAG(f"case_{number}", schedule=None, start_date=START) as dag:
        sources = [BashOperator(task_id=f"s{i}", bash_command="true") for i in range(rng.choice([1, 1, 2]))]
        tasks = list(sources)
        for i in range(rng.randint(2, 5)):
            if rng.random() < 0.3:
                tasks += group(rng, i, sources, tasks)
                continue
            task, kind = operator(rng, f"t{i}", sources)
            link(rng, tasks, task)
            tasks.append(task)
            if kind == "mapped" and rng.random() < 0.3:
                sources.append(task)
        if rng.random() < 0.4:
            plain = [t for t in tasks if isinstance(t, BashOperator) and "." not in t.task_id and t not in sources]
            if plain:
                work = rng.choice(plain)
                up = BashOperator(task_id="up", bash_command="true").as_setup()
                down = BashOperator(task_id="down", bash_command="true").as_teardown(setups=up, on_failure_fail_dagrun=rng.random() < 0.3)
                up >> work >> down
                tasks += [up, down]
    return dag


def trimmed(dag):
    whole = DagSerialization.to_dict(dag)["dag"]
    tasks = [{"__var": {k: v for k, v in t["__var"].items() if k in KEEP}, "__type": "operator"} for t in whole["tasks"]]

    def of_group(g):
        children = {k: v if v[0] == "operator" else ["taskgroup", of_group(v[1])] for k, v in g["children"].items()}
        return {k: g[k] for k in ("_group_id", "expand_input", "is_mapped") if k in g} | {"children": children}

    return {"dag_id": dag.dag_id, "tasks": tasks, "task_group": of_group(whole["task_group"]), "timetable": whole["timetable"]}


def references(dag):
    inputs = [t._get_specified_expand_input() for t in dag.tasks if is_mapped(t)]
    inputs += [g._expand_input for g in dag.task_group_dict.values() if getattr(g, "is_mapped", False)]
    return {op.task_id: op for each in inputs for op, _ in each.iter_references()}


def length(task_id, op, dag_id, session):
    """Of a mapped task: how many results there are so far, also while some of its instances have not ended."""
    if not is_mapped(op):
        return get_task_map_length(SchedulerPlainXComArg(op, "return_value"), "r", session=session)
    of_task = (XComModel.dag_id == dag_id, XComModel.task_id == task_id, XComModel.key == "return_value", XComModel.map_index >= 0)
    return session.scalar(select(func.count()).select_from(XComModel).where(*of_task))


def settle(run, session):
    """Lets the scheduler decide until nothing changes any more; returns the instances it would schedule."""
    before = None
    while True:
        ready, _ = run.update_state(session=session, execute_callbacks=False)
        session.flush()
        session.expire_all()
        run.dag = run.get_dag()
        now = sorted((ti.task_id, ti.map_index, str(ti.state)) for ti in run.get_task_instances(session=session))
        if now == before:
            return {(ti.task_id, ti.map_index) for ti in ready if ti.state in (None, TaskInstanceState.UP_FOR_RETRY)}
        before = now


def act(rng, run, ready, session, memos):
    """Some of the ready ones end."""
    chosen = [key for key in sorted(ready) if rng.random() < 0.7] or sorted(ready)[:1]
    ended = []
    for task_id, map_index in chosen:
        ti = run.get_task_instance(task_id, session=session, map_index=map_index)
        state = rng.choices(["success", "failed", "skipped", "running"], [6, 2, 1.5, 0.7])[0]
        if rng.random() < 0.1 and state == "running":
            state = "up_for_retry"
        ti.set_state(TaskInstanceState(state), session=session)
        if state == "success":
            key = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": task_id, "map_index": map_index}
            XComModel.set(key="return_value", value=["x"], session=session, **key)
            session.add(TaskMap(**key, length=rng.choice([0, 1, 2, 2, 3]), keys=None))
            task = run.dag.get_task(task_id)
            if task.inherits_from_skipmixin and task.downstream_task_ids and rng.random() < 0.6:
                down = sorted(task.downstream_task_ids)
                memo = rng.choice([{"followed": down[:1]}, {"skipped": down[:1]}])
                XComModel.set(key="skipmixin_key", value=memo, session=session, **key)
                memos.append([task_id, map_index, memo])
        ended.append([task_id, map_index, state])
    session.flush()
    return ended


def begin(dag, session):
    """A run of a DAG."""
    session.add(DagModel(dag_id=dag.dag_id, bundle_name="b", fileloc="x"))
    session.flush()
    SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name="b", session=session)
    session.flush()
    stored = session.scalar(SerializedDagModel.latest_item_select_object(dag.dag_id)).dag
    run = stored.create_dagrun(
        run_id="r", run_after=START, run_type=DagRunType.MANUAL, triggered_by=DagRunTriggeredByType.TEST, state=DagRunState.RUNNING,
        start_date=START, session=session,
    )
    run.dag = stored
    return run


def decided(run, sources, steps, memos, session):
    """One more step: what the scheduler makes of the run as it is. Returns what it would schedule."""
    first = sorted([ti.task_id, ti.map_index] for ti in run.get_task_instances(session=session))
    lengths = {task_id: length(task_id, op, run.dag_id, session) for task_id, op in sources.items()}
    ready = settle(run, session)
    found = [
        [ti.task_id, ti.map_index, "ready" if (ti.task_id, ti.map_index) in ready else ti.state and str(ti.state)]
        for ti in run.get_task_instances(session=session)
    ]
    steps.append({
        "lengths": {t: n for t, n in lengths.items() if n is not None}, "memos": list(memos), "states": sorted(found, key=lambda s: s[:2]),
        "run": str(run.state), **({"instances": first} if not steps else {}),
    })
    return ready


def case(rng, number, session):
    dag = build(rng, number)
    run = begin(dag, session)
    steps, memos, sources = [], [], references(run.dag)
    for _ in range(12):
        ready = decided(run, sources, steps, memos, session)
        if str(run.state) != "running" or not ready:
            break
        steps[-1]["then"] = act(rng, run, ready, session, memos)
    return {"dag": trimmed(dag), "steps": steps}


def opened(session):
    """The bundle that all DAGs are of."""
    if session.get(DagBundleModel, "b") is None:
        session.add(DagBundleModel(name="b"))
    session.flush()


def written(found):
    print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in found) + "\n]")
    print(f"{len(found)} cases, {sum(len(c['steps']) for c in found)} steps", file=sys.stderr)


def main():
    rng = random.Random(20260101)
    found = []
    with create_session() as session:
        opened(session)
        for number in range(CASES):
            found.append(case(rng, number, session))
            session.flush()
    written(found)


if __name__ == "__main__":
    main()
