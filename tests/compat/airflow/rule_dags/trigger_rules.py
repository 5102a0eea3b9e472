"""Every trigger rule below upstream tasks in every mixture of end states. They end one after the other: what a rule makes of a
failure and a skip is up to which of them comes first."""

import datetime as dt
import itertools

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule

with DAG("rule_trigger_rules", schedule=None, start_date=dt.datetime(2026, 1, 1), max_active_tasks=200):
    success = EmptyOperator(task_id="s")
    failed = BashOperator(task_id="f", bash_command="exit 1")
    upstream_failed = EmptyOperator(task_id="u")
    skipped = BashOperator(task_id="k", bash_command="sleep 5; exit 99", trigger_rule="all_done")
    success >> failed >> [upstream_failed, skipped]
    states = (success, failed, skipped, upstream_failed)
    mixtures = [mixture for count in (1, 2, 4) for mixture in itertools.combinations(states, count)]
    for rule in sorted(TriggerRule):
        if rule in ("all_done_setup_success",):
            continue  # of teardown tasks alone
        for mixture in mixtures:
            names = "".join(task.task_id for task in mixture)
            mixture >> EmptyOperator(task_id=f"{rule.value}.{names}", trigger_rule=rule)
