"""Records what every trigger rule makes of up to three upstream tasks in every mixture of states.

    AIRFLOW_HOME=$(mktemp -d) ENV/bin/python trigger_rules.py > trigger_rules.json      (as decisions.py; after `airflow db migrate`)

Each case is a DAG with one rule, in the form of decisions.json: a first step in which all upstream tasks are ready, the states
that they get then, and what the scheduler makes of the tasks below them.
"""

from __future__ import annotations

import itertools

import decisions
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState

STATES = ("success", "failed", "skipped", "upstream_failed", "removed", "running")
MOST = 3


def build(rule):
    with DAG(f"rule_{rule}", schedule=None, start_date=decisions.START) as dag:
        upstream = {(state, number): BashOperator(task_id=f"{state}_{number}", bash_command="") for state in STATES for number in range(MOST)}
        for size in range(1, MOST + 1):
            for mixture in itertools.combinations_with_replacement(STATES, size):
                below = BashOperator(task_id=".".join(mixture), bash_command="", trigger_rule=rule)
                [upstream[state, mixture[:place].count(state)] for place, state in enumerate(mixture)] >> below
    return dag


def case(rule, session):
    dag = build(rule)
    run = decisions.begin(dag, session)
    steps = []
    decisions.decided(run, {}, steps, [], session)
    then = [[f"{state}_{number}", -1, state] for state in STATES for number in range(MOST)]
    for task_id, _, state in then:
        run.get_task_instance(task_id, session=session).set_state(TaskInstanceState(state), session=session)
    session.flush()
    steps[-1]["then"] = then
    decisions.decided(run, {}, steps, [], session)
    return {"dag": decisions.trimmed(dag), "steps": steps}


def main():
    with create_session() as session:
        decisions.opened(session)
        decisions.written([case(rule, session) for rule in decisions.RULES])


if __name__ == "__main__":
    main()
