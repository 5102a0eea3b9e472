"""The DAG files that are run, as text. All tasks are Python functions, so that each needs a process. They are tried again: stock
starts what is due before its API server answers, and a try fails while its SQLite is locked."""

HEAD = """
import datetime as dt
import time

from airflow.sdk import DAG, task

DEFAULTS = {"start_date": dt.datetime(2026, 1, 1), "default_args": {"retries": 10, "retry_delay": dt.timedelta(seconds=1)}}
"""

FIRST = """
with DAG("bench_first", schedule="@once", **DEFAULTS, catchup=True, is_paused_upon_creation=False):

    @task
    def first():
        pass

    first()
"""

VISIBLE = """
with DAG("bench_visible", schedule=None, **DEFAULTS):

    @task
    def nothing():
        pass

    nothing()
"""

SEQUENTIAL = """
with DAG("bench_sequential", schedule=None, **DEFAULTS):
    before = None
    for number in range({count}):

        @task(task_id=f"task_{{number:04}}")
        def nothing():
            pass

        this = nothing()
        if before is not None:
            before >> this
        before = this
"""

FAN = """
with DAG("bench_fan", schedule=None, **DEFAULTS, max_active_tasks=1000):

    @task
    def nothing():
        pass

    first = nothing()
    for number in range({count}):
        first >> nothing.override(task_id=f"task_{{number:04}}")()
"""

LONG = """
with DAG("bench_long", schedule=None, **DEFAULTS):
    before = None
    for number in range({count}):

        @task(task_id=f"task_{{number:04}}")
        def sleeps():
            time.sleep(2)

        this = sleeps()
        if before is not None:
            before >> this
        before = this
"""

MAPPED = """
with DAG("bench_mapped", schedule=None, **DEFAULTS, max_active_tasks=1000):

    @task
    def numbers():
        return list(range({count}))

    @task
    def nothing(number):
        pass

    nothing.expand(number=numbers())
"""


def many(prefix, count):
    """A file of `count` DAGs that come due each hour, at minutes that are spread evenly."""
    return f"""
import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

for number in range({count}):
    with DAG(
        f"many_{prefix}_{{number:03}}", schedule=f"{{number % 60}} * * * *", start_date=dt.datetime(2026, 1, 1),
        catchup=False, is_paused_upon_creation=False,
    ):
        EmptyOperator(task_id="first") >> EmptyOperator(task_id="last")
"""


def write(folder, name, text, **sizes):
    """Appears at once, whole."""
    part = folder / f".{name}.part"
    part.write_text(HEAD + text.format(**sizes) if sizes else text)
    part.rename(folder / f"{name}.py")
