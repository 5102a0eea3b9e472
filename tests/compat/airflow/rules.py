"""Scheduling rules that `dag.test()` knows nothing of: what the DAGs of `rule_dags` come to on a server with a scheduler.

Each rule tells facts: states, orders, peaks. Times are facts only where the rule is about them, as yes or no.
"""

import datetime
import pathlib
import shutil
import time

from airflow_client.client.models.pool_body import PoolBody
from airflow_client.client.models.pool_patch_body import PoolPatchBody
from session import END, Session, eventually, plain

HERE = pathlib.Path(__file__).resolve().parent
VISIBLE_SECONDS = 300
PAST = ("rule_depends_on_past", "rule_depends_on_past_skipped", "rule_wait_for_downstream", "rule_wait_for_failed_downstream")
AT_WORK = {"scheduled", "queued", "running"}
OF_RUN = ("dag_run_id", "run_type", "state", "logical_date", "data_interval_start", "data_interval_end", "run_after")
NEXT = ("next_dagrun_logical_date", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end", "next_dagrun_run_after")


def copy_files(folder: pathlib.Path) -> None:
    shutil.copytree(HERE / "rule_dags", folder, dirs_exist_ok=True)


def day(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, number, tzinfo=datetime.timezone.utc)


class Scene:
    """One server, with what the rules do there. `seconds` is how long anything may take, `quiet` how long nothing has to
    happen before it is taken to be the end where a run never ends. What takes longer is a TimeoutError."""

    def __init__(self, session: Session, seconds: float, quiet: float):
        self.session, self.seconds, self.quiet = session, seconds, quiet

    def until(self, ask, good, what: str):
        answer = eventually(ask, good, self.seconds)
        if answer is None or not good(answer):
            raise TimeoutError(f"{what}: not within {self.seconds} s, but {answer}")
        return answer

    def pool(self, name: str, slots: int, include_deferred: bool = False) -> None:
        self.session.pools.post_pool(PoolBody(name=name, slots=slots, include_deferred=include_deferred))

    def open(self, name: str, slots: int) -> None:
        self.session.pools.patch_pool(name, PoolPatchBody(pool=name, slots=slots, include_deferred=False), update_mask=["slots"])

    def trigger(self, dag: str, days=(1,)) -> list[str]:
        """Triggers a run for each day, in this order; their ids."""
        self.unpause(dag)
        for number in days:
            self.session.trigger(dag, f"day_{number}", day(number))
        return [f"day_{number}" for number in days]

    def unpause(self, dag: str) -> None:
        self.visible(dag)
        self.session.unpause(dag)

    def visible(self, dag: str) -> None:
        if not eventually(lambda: self.session.dags.get_dag(dag), lambda _: True, VISIBLE_SECONDS):
            raise TimeoutError(f"{dag} is not there")

    def run(self, dag: str, days=(1,)) -> list:
        """The task instances of runs that have ended."""
        runs = self.trigger(dag, days)
        self.ended(dag, runs)
        return [instance for run in runs for instance in self.session.instances_of(dag, run)]

    def ended(self, dag: str, runs: list[str]) -> None:
        for run in runs:
            self.until(lambda: self.session.runs.get_dag_run(dag, run).state, lambda state: state in END, f"the end of {dag} {run}")

    def until_states(self, dag: str, run: str, wanted: str, count: int) -> None:
        """Until so many task instances are in that state."""
        self.until(lambda: self.states(dag, run), lambda states: list(states.values()).count(wanted) >= count, f"{dag} {run}: {count} {wanted}")

    def states(self, dag: str, run: str) -> dict[str, str | None]:
        return {label(instance): state(instance) for instance in self.session.instances_of(dag, run)}

    def run_states(self, dag: str) -> dict[str, str]:
        return {run.dag_run_id: run.state for run in self.session.runs_of(dag)}

    def until_still(self, look, enough, what: str) -> None:
        """Until there is enough to see, and it has not changed for a while."""
        seen, since = None, time.monotonic()

        def still() -> bool:
            nonlocal seen, since
            now = look()
            if now != seen:
                seen, since = now, time.monotonic()
            return enough(now) and time.monotonic() - since >= self.quiet

        self.until(still, bool, what)


def label(instance) -> str:
    return instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"


def state(instance) -> str | None:
    return getattr(instance.state, "value", instance.state)


def order(instances) -> list[str]:
    """Who started, the first first."""
    return [label(instance) for instance in sorted((i for i in instances if i.start_date), key=lambda i: i.start_date)]


def peak(instances, weight=lambda _: 1) -> int:
    """The most that ran at one time."""
    ran = [instance for instance in instances if instance.start_date and instance.end_date]
    return max(sum(weight(other) for other in ran if other.start_date <= one.start_date < other.end_date) for one in ran)


def outcomes(instances) -> dict:
    return {label(instance): [state(instance), instance.try_number] for instance in instances}


def pool_slots(scene: Scene) -> dict:
    scene.pool("two_slots", 2)
    (run,) = scene.trigger("rule_pool_slots")
    scene.until_states("rule_pool_slots", run, "success", 6)
    instances = scene.session.instances_of("rule_pool_slots", run)
    fitting = [instance for instance in instances if instance.task_id != "too_wide"]
    return {"peak of slots": peak(fitting, lambda i: i.pool_slots), "first": order(fitting)[0], "states": scene.states("rule_pool_slots", run)}


def deferred(scene: Scene) -> dict:
    """Whether what is deferred keeps its slot."""
    facts = {}
    for pool, include_deferred in (("counts_deferred", True), ("forgets_deferred", False)):
        scene.pool(pool, 1, include_deferred)
        instances = {instance.task_id: instance for instance in scene.run(f"rule_{pool}")}
        waits, other = instances["waits"], instances["other"]
        facts[pool] = {"outcomes": outcomes(instances.values()), "other waited": other.start_date >= waits.end_date}
    return facts


def priorities(scene: Scene) -> dict:
    """All wait before the closed pool; then it lets one in at a time."""
    scene.pool("gate", 0)
    weights = {}
    for rule in ("downstream", "upstream", "absolute"):
        (run,) = scene.trigger(f"rule_weights_{rule}")
        scene.until_states(f"rule_weights_{rule}", run, "scheduled", 1)
        weights[rule] = {instance.task_id: instance.priority_weight for instance in scene.session.instances_of(f"rule_weights_{rule}", run)}
        scene.session.unpause(f"rule_weights_{rule}", paused=True)
    (run,) = scene.trigger("rule_priorities")
    ties = scene.trigger("rule_priority_ties", days=(3, 1, 2))
    scene.until_states("rule_priorities", run, "scheduled", 6)
    for tie in ties:
        scene.until_states("rule_priority_ties", tie, "scheduled", 1)
    scene.open("gate", 1)
    scene.ended("rule_priorities", [run])
    scene.ended("rule_priority_ties", ties)
    tied = [(scene.session.instances_of("rule_priority_ties", tie)[0].start_date, tie) for tie in ties]
    return {
        "weights": weights,
        "order by weight": order(scene.session.instances_of("rule_priorities", run)),
        "order of one weight": [tie for _, tie in sorted(tied)],
    }


def concurrency(scene: Scene) -> dict:
    per_dag, per_run = scene.run("rule_tis_per_dag", (1, 2)), scene.run("rule_tis_per_dagrun", (1, 2))
    runs = scene.run("rule_max_active_runs", (3, 1, 2))
    return {
        "max_active_tasks": peak(scene.run("rule_max_active_tasks")),
        "max_active_tis_per_dag": peak(per_dag),
        "max_active_tis_per_dagrun, in one run": max(peak([i for i in per_run if i.dag_run_id == run]) for run in ("day_1", "day_2")),
        "max_active_tis_per_dagrun, in both": peak(per_run),
        "max_active_runs": peak(runs),
        "order of runs": [instance.dag_run_id for instance in sorted(runs, key=lambda instance: instance.start_date)],
    }


def retries(scene: Scene) -> dict:
    instances = scene.run("rule_retries")
    least = {"third_time": 3, "never": 3, "backing_off": 2, "skips_after_retry": 3, "policy_retries_sooner": 1}
    facts = {"run": scene.run_states("rule_retries"), "outcomes": outcomes(instances)}
    for instance in instances:
        ask = scene.session.instances.get_mapped_task_instance_tries
        tries = ask(instance.dag_id, instance.dag_run_id, instance.task_id, -1).task_instances
        tries.sort(key=lambda one: one.try_number)
        facts.setdefault("tries", {})[instance.task_id] = [[one.try_number, state(one)] for one in tries]
        waits = [(after.start_date - before.end_date).total_seconds() for before, after in zip(tries, tries[1:])]
        if waits:
            # a tenth of a second for clocks that are read at different moments of the same end
            facts.setdefault("waited", {})[instance.task_id] = [least[instance.task_id] - 0.1 <= wait < least[instance.task_id] + 60 for wait in waits]
    return facts


def past(scene: Scene) -> dict:
    for dag in PAST:
        scene.unpause(dag)
    seen = lambda: {dag: {run: (state, scene.states(dag, run)) for run, state in scene.run_states(dag).items()} for dag in PAST}  # noqa: E731

    def waits(now) -> bool:
        """Three runs of each DAG are there, and nothing is at work."""
        found = [states for runs in now.values() for _, states in runs.values()]
        return len(found) == 3 * len(PAST) and not any(AT_WORK & set(states.values()) for states in found)

    scene.until_still(seen, waits, "three runs of each DAG")
    facts = {}
    for dag in PAST:
        scene.session.unpause(dag, paused=True)
        facts[dag] = {
            f"{run.logical_date:%d}": {"run": run.state, "tasks": scene.states(dag, run.dag_run_id)} for run in scene.session.runs_of(dag)
        }
    runs = scene.session.runs_of("rule_wait_for_downstream")
    started = [(i.start_date, f"{run.logical_date:%d} {i.task_id}") for run in runs for i in scene.session.instances_of(run.dag_id, run.dag_run_id)]
    return facts | {"order with wait_for_downstream": [name for _, name in sorted(pair for pair in started if pair[0])]}


def catchup(scene: Scene) -> dict:
    scene.visible("rule_catchup_autumn_intervals_off")  # the last of the file
    all_of = {"limit": 100, "dag_id_pattern": "rule_catchup"}
    names = sorted(dag.dag_id for dag in scene.session.dags.get_dags(**all_of).dags)
    for name in names:
        scene.session.unpause(name)
    runs = lambda: sorted((run.dag_id, run.dag_run_id, run.state) for run in scene.session.runs.get_dag_runs("~", **all_of).dag_runs)  # noqa: E731
    scene.until_still(runs, lambda now: now and all(state in END for _, _, state in now), "the end of all runs")
    facts = {dag.dag_id: {"then": {field: plain(dag).get(field) for field in NEXT}} for dag in scene.session.dags.get_dags(**all_of).dags}
    for name in names:
        found = [plain(run) for run in scene.session.runs_of(name)]
        facts[name]["runs"] = [{field: run.get(field) for field in OF_RUN} for run in found]
        scene.session.unpause(name, paused=True)
    return facts


def timeouts(scene: Scene) -> dict:
    facts = {}
    for dag in ("rule_execution_timeout", "rule_dagrun_timeout"):
        instances = scene.run(dag)
        facts[dag] = {"run": scene.run_states(dag), "outcomes": outcomes(instances)}
    return facts


def failures(scene: Scene) -> dict:
    facts = {}
    for dag in ("rule_fail_fast", "rule_leaf_decides"):
        instances = scene.run(dag)
        facts[dag] = {"run": scene.run_states(dag), "outcomes": outcomes(instances)}
    paused = []
    for number in (1, 2):
        scene.trigger("rule_two_failures_pause", (number,))
        scene.ended("rule_two_failures_pause", [f"day_{number}"])
        paused.append(scene.session.dags.get_dag("rule_two_failures_pause").is_paused)
    return facts | {"paused after failures": paused}


def trigger_rules(scene: Scene) -> dict:
    return {"states": {label(instance): state(instance) for instance in scene.run("rule_trigger_rules")}, "run": scene.run_states("rule_trigger_rules")}


def rescheduling(scene: Scene) -> dict:
    instances = scene.run("rule_reschedule")
    looks = scene.session.variables.get_variable("rule_looks").value
    return {"outcomes": outcomes(instances), "looks": looks, "run": scene.run_states("rule_reschedule")}


RULES = (pool_slots, deferred, priorities, concurrency, retries, past, catchup, timeouts, failures, trigger_rules, rescheduling)


def run_all(connect, seconds: float, quiet: float, keep, only=None) -> None:
    """Finds the facts of every rule, one after the other, as they count what runs at one time; `keep` is told of each. One that
    could not be run has an `error`."""
    for rule in RULES:
        if only is not None and rule.__name__ not in only:
            continue
        began = time.monotonic()
        try:
            facts = rule(Scene(connect(), seconds, quiet))
        except Exception as error:
            facts = {"error": f"{type(error).__name__}: {error}"[:600]}
        print(f"{rule.__name__}: {facts.get('error', 'done')} in {time.monotonic() - began:.0f} s", flush=True)
        keep(rule.__name__, facts)
