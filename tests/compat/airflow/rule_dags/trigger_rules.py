"""Every trigger rule below upstream tasks in every mixture of end states."""

import datetime as dt
import itertools

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule

with DAG("rule_trigger_rules", schedule=None, start_date=dt.datetime(2026, 1, 1), max_active_tasks=200):
    success = EmptyOperator(task_id="s")
    failed = BashOperator(task_id="f", bash_command="exit 1")
    skipped = BashOperator(task_id="k", bash_command="exit 99")
    upstream_failed = EmptyOperator(task_id="u")
    failed >> upstream_failed
    states = (success, failed, skipped, upstream_failed)
    mixtures = [mixture for count in (1, 2, 4) for mixture in itertools.combinations(states, count)]
    for rule in sorted(TriggerRule):
        if rule in ("all_done_setup_success",):
            continue  # of teardown tasks alone
        for mixture in mixtures:
            names = "".join(task.task_id for task in mixture)
            mixture >> EmptyOperator(task_id=f"{rule.value}.{names}", trigger_rule=rule)
