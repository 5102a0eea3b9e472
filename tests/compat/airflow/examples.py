"""Runs the example DAGs on a server, stock or Artel, and tells what came of them, by the published client alone."""

import collections
import concurrent.futures
import datetime
import pathlib
import shutil
import time

from dags import BESIDE, EXAMPLES, Example
from session import END, Session, client, eventually, plain

RUN_ID = "compat"
LOGICAL_DATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
OURS = {"manual", "asset_triggered", "operator_triggered"}
"""Runs that the triggers bring about; others come of a DAG's schedule when it is unpaused."""
AT_A_TIME = 4
VISIBLE_SECONDS = 300
XCOM_PAGE = 100


def copy_files(wheels: pathlib.Path, folder: pathlib.Path, examples=EXAMPLES) -> None:
    """The files as the wheels have them, into the folder of a bundle."""
    for file in sorted({file for example in examples for file in example.files} | set(BESIDE)):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(wheels / file, target)


class Runner:
    """Runs examples on one server. `expected` is how many runs each DAG will have, where that is known; `keep` is told
    of each example what became of it. One that could not be run has an `error`."""

    def __init__(self, connect, seconds: float, keep, expected: dict | None = None, quiet_seconds: float = 2):
        self.connect, self.seconds, self.keep, self.expected, self.quiet_seconds = connect, seconds, keep, expected, quiet_seconds

    def run_all(self, examples) -> None:
        session = self.connect()
        session.connections.post_connection(client.ConnectionBody(connection_id="fs_default", conn_type="fs"))
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(self.run_safely, examples))

    def run_safely(self, example: Example) -> None:
        began = time.monotonic()
        try:
            outcome = self.run(self.connect(), example)
        except Exception as error:
            body = getattr(error, "body", None)
            outcome = {"error": f"{type(error).__name__}: {error}"[:400] + (f" {body[:400]}" if body else "")}
        states = {dag: [run["run"]["state"] for run in runs] for dag, runs in outcome.get("runs", {}).items()}
        print(f"{example.name}: {outcome.get('error') or states} in {time.monotonic() - began:.0f} s", flush=True)
        self.keep(example, outcome)

    def run(self, session: Session, example: Example) -> dict:
        for dag in example.dags:
            errors = self.visible(session, example, dag)
            if errors:
                return {"error": f"{dag} is not there: {errors}"}
        try:
            self.start(session, example)
            if example.answers:
                self.answer(session, example)
            for path in example.touch:
                pathlib.Path(path).parent.mkdir(exist_ok=True)
                pathlib.Path(path).touch()
            self.settle(session, example)
        finally:
            for dag in example.dags:
                session.unpause(dag, paused=True)
        return {
            "dags": {dag: plain(session.dags.get_dag_details(dag)) for dag in example.dags},
            "tasks": {dag: [plain(task) for task in session.tasks.get_tasks(dag, order_by="task_id").tasks] for dag in example.dags},
            "runs": {dag: [observed(session, dag, run) for run in ours(session, dag)] for dag in example.dags},
        }

    def visible(self, session: Session, example: Example, dag: str) -> str | None:
        """Waits until the DAG is there; the import error that it has instead."""

        def seen() -> str | None:
            try:
                session.dags.get_dag(dag)
            except client.exceptions.NotFoundException:
                return import_errors(session, example)
            return "there"

        answer = eventually(seen, bool, VISIBLE_SECONDS)
        return None if answer == "there" else answer or "no sign of its file"

    def start(self, session: Session, example: Example) -> None:
        """Unpauses all, and triggers one DAG when the one before has ended with all that follows from it."""
        for dag in example.dags if not example.waits else reversed(example.dags):
            due = session.dags.get_dag(dag).next_dagrun_run_after
            session.unpause(dag)
            # a run of its schedule tells of assets too: it has to end before anything follows from them
            if due is not None and due < datetime.datetime.now(datetime.timezone.utc):
                self.until(lambda: (runs := session.runs_of(dag)) and all(run.state in END for run in runs))
        for at, dag in enumerate(example.trigger):
            session.trigger(dag, RUN_ID, LOGICAL_DATE, example.conf)
            if at + 1 < len(example.trigger):
                self.until(lambda: session.runs.get_dag_run(dag, RUN_ID).state in END)
                self.until_quiet(session, example)

    def answer(self, session: Session, example: Example) -> None:
        """Answers as the table says, until every question was answered.

        A person takes a while: on stock a task fails that is answered before its process has quite ended.
        """
        open_questions, since = dict(example.answers), {}

        def asked() -> bool:
            for detail in session.instances.get_hitl_details(example.trigger[0], RUN_ID).hitl_details:
                instance = detail.task_instance
                if instance.state != "awaiting_input" or instance.task_id not in open_questions:
                    continue
                if time.monotonic() - since.setdefault(instance.task_id, time.monotonic()) > self.quiet_seconds / 2:
                    chosen, given = open_questions.pop(instance.task_id)
                    body = client.UpdateHITLDetailPayload(chosen_options=chosen, params_input=given)
                    session.instances.update_hitl_detail(instance.dag_id, instance.dag_run_id, instance.task_id, instance.map_index, body)
            return not open_questions

        self.until(asked)

    def settle(self, session: Session, example: Example) -> None:
        """Until as many runs as expected have ended, or, where that is not known, nothing new comes for a while."""

        def ended() -> bool:
            return all(
                len([run for run in runs if run.state in END]) >= self.expected.get(dag, 0) and all(run.state in END for run in runs)
                for dag, runs in ((dag, ours(session, dag)) for dag in example.dags)
            )

        if self.expected is not None and not example.unfinished:
            self.until(ended)
        self.until_quiet(session, example)

    def until_quiet(self, session: Session, example: Example) -> None:
        """Until there is no active run and none has come for `quiet_seconds`; where tasks stay unfinished, until all others
        have ended."""
        if example.unfinished:
            return self.until(lambda: self.others_ended(session, example))
        seen: tuple[collections.Counter, float] = (collections.Counter(), time.monotonic())

        def quiet() -> bool:
            nonlocal seen
            now = collections.Counter((dag, run.dag_run_id, run.state) for dag in example.dags for run in ours(session, dag))
            if now != seen[0]:
                seen = now, time.monotonic()
            # what nobody triggers starts with what is waited for
            over = all(state in END for _, _, state in now) and (now or example.trigger)
            return bool(over) and time.monotonic() - seen[1] >= (self.quiet_seconds if example.follow else 0)

        self.until(quiet)

    def others_ended(self, session: Session, example: Example) -> bool:
        instances = session.instances_of(example.trigger[0], RUN_ID)
        return all(instance.end_date for instance in instances if instance.task_id not in example.unfinished)

    def until(self, good) -> None:
        if not eventually(good, bool, self.seconds):
            raise TimeoutError(f"not within {self.seconds} s")


def ours(session: Session, dag: str) -> list:
    return [run for run in session.runs_of(dag) if run.run_type in OURS]


def import_errors(session: Session, example: Example) -> str | None:
    """The ends of the import errors of an example's files."""
    errors = session.errors.get_import_errors(limit=100).import_errors
    return "; ".join(error.stack_trace.strip()[-400:] for error in errors if error.filename.endswith(example.files)) or None


def observed(session: Session, dag: str, run) -> dict:
    """All that the API tells of a run."""
    instances = session.instances_of(dag, run.dag_run_id)
    return {
        "run": plain(run),
        "instances": [plain(instance) for instance in instances],
        "tries": [tries_of(session, instance) for instance in instances if instance.try_number > 1],
        "xcoms": xcoms(session, dag, run.dag_run_id),
    }


def tries_of(session: Session, instance) -> dict:
    ask = session.instances.get_mapped_task_instance_tries
    found = ask(instance.dag_id, instance.dag_run_id, instance.task_id, instance.map_index).task_instances
    return {"task_id": instance.task_id, "map_index": instance.map_index, "tries": [plain(one) for one in found]}


def xcoms(session: Session, dag: str, run: str) -> list[dict]:
    """Every XCom of a run with its value, as it is kept."""
    found = []
    while True:
        page = session.xcoms.get_xcom_entries(dag, run, "~", limit=XCOM_PAGE, offset=len(found))
        found += page.xcom_entries
        if len(found) >= page.total_entries or not page.xcom_entries:
            break
    read = session.xcoms.get_xcom_entry
    entries = [plain(read(dag, one.task_id, run, one.key, map_index=one.map_index, stringify=False).actual_instance) for one in found]
    return sorted(entries, key=lambda entry: (entry["task_id"], entry["map_index"], entry["key"]))
