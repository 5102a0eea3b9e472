"""A DAG that needs the plug-in of its bundle, and reads other files of it."""

import pathlib
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from shift_plugin import Shifts

HERE = pathlib.Path(__file__).parent
CREW = (HERE / "crew.txt").read_text().strip()
QUERIES = ["echo " + path.read_text() for path in sorted((HERE / "queries").iterdir())]

with DAG("shifts", schedule=Shifts(480), start_date=datetime(2026, 1, 1)) as dag:
    urgent = BashOperator(task_id="urgent", weight_rule="shift_plugin.ByNeed", bash_command=f"echo {{{{ macros.shifts.loudly('{CREW}') }}}}")
    mapped = BashOperator.partial(task_id="mapped", weight_rule="shift_plugin.ByNeed").expand(bash_command=QUERIES)
    ordinary = BashOperator(task_id="ordinary", bash_command="true")
    urgent >> mapped >> ordinary
