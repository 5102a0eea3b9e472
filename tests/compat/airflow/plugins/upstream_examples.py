"""Upstream's example plug-ins, as an installation with upstream's examples has them: two of the DAG files need them."""

from airflow.example_dags.plugins.decreasing_priority_weight_strategy import DecreasingPriorityWeightStrategyPlugin  # noqa: F401
from airflow.example_dags.plugins.workday import WorkdayTimetablePlugin  # noqa: F401
