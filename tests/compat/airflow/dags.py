"""Which example DAG files of the Airflow wheels are run, and how. One row for each.

A file is run as it is in the wheel. What is left out, and why, stands at the end.
"""

import dataclasses

CORE, STANDARD = "airflow/example_dags/", "airflow/providers/standard/example_dags/"
BESIDE = (STANDARD + "sql/sample.sql", CORE + "sql/tutorial_taskflow_template.sql")
"""Files that templates read."""


@dataclasses.dataclass(frozen=True)
class Example:
    files: tuple[str, ...]
    trigger: tuple[str, ...]
    """DAGs that are triggered, one after the other."""
    follow: tuple[str, ...] = ()
    """DAGs of which the triggered ones start a run, by an asset event or an operator."""
    conf: dict = dataclasses.field(default_factory=dict)
    """What the triggered ones are given."""
    waits: bool = False
    """The triggered ones wait for the others, which are unpaused before them."""
    by_chance: bool = False
    """The file chooses its branches by chance: task instances are compared without their names."""
    answers: dict = dataclasses.field(default_factory=dict)
    """What a human answers: task id → (chosen options, input)."""
    unfinished: tuple[str, ...] = ()
    """Tasks that take longer than anybody waits; all others are waited for."""
    by_clock: tuple[str, ...] = ()
    """Tasks whose end is up to the hour or the day on which they run: that is not compared, nor is the run's."""
    touch: tuple[str, ...] = ()
    """Files that are made when all is unpaused, for watchers."""

    @property
    def name(self) -> str:
        return self.files[0].rpartition("/")[2].removesuffix(".py")

    @property
    def dags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.trigger + self.follow))


def core(file: str, *trigger: str, **more) -> Example:
    return Example((f"{CORE}{file}.py",), trigger or (file,), **more)


def standard(file: str, *trigger: str, **more) -> Example:
    return Example((f"{STANDARD}{file}.py",), trigger or (file,), **more)


HUMAN = {
    "wait_for_input": (["OK"], {"information": "as requested"}),
    "wait_for_option": (["option 2"], {}),
    "wait_for_multiple_options": (["option 4", "option 6"], {}),
    "valid_input_and_options": (["Approve"], {}),
    "choose_a_branch_to_run": (["task_2"], {}),
}

WATCHED = ("/tmp/test", "/tmp/region-flags/us.flag", "/tmp/region-flags/eu.flag")

EXAMPLES = (
    # assets
    # these two share an asset and an alias
    Example(
        (f"{CORE}example_asset_alias.py", f"{CORE}example_asset_alias_with_no_taskflow.py"),
        (
            "asset_s3_bucket_producer", "asset_alias_example_alias_producer",
            "asset_s3_bucket_producer_with_no_taskflow", "asset_alias_example_alias_producer_with_no_taskflow",
        ),
        (
            "asset_s3_bucket_consumer", "asset_alias_example_alias_consumer",
            "asset_s3_bucket_consumer_with_no_taskflow", "asset_alias_example_alias_consumer_with_no_taskflow",
        ),
    ),
    core("example_asset_allow_teams", "team_analytics_producer", follow=("team_ml_consumer",)),
    core("example_asset_decorator", "asset1_producer", "asset2_producer", follow=("consumes_asset_decorator",)),
    core("example_asset_state_store", "example_asset_state_store_producer", follow=("example_asset_state_store_consumer",)),
    Example((f"{CORE}example_asset_with_watchers.py",), (), ("example_asset_with_watchers",), touch=WATCHED),
    core(
        "example_assets", "asset_produces_1", "asset_produces_2",
        follow=(
            "asset_consumes_1", "asset_consumes_1_and_2", "asset_consumes_1_never_scheduled", "consume_1_and_2_with_asset_expressions",
            "consume_1_or_2_with_asset_expressions", "consume_1_or_both_2_and_3_with_asset_expressions", "conditional_asset_and_time_based_timetable",
        ),
    ),
    core(
        "example_asset_partition", "ingest_regional_sales", "live_region_player_stats", "multi_region_player_stats",
        follow=("aggregate_regional_sales", "summarize_live_region_stats"),
    ),
    core("example_outlet_event_extra", "asset_with_extra_by_yield", "asset_with_extra_by_context", "asset_with_extra_from_classic_operator"),
    # shapes: branches, groups, mapping, set-up and tear-down
    core("example_branch_labels"),
    core("example_branch_python_dop_operator_3", "example_branch_dop_operator_v3"),
    core("example_complex"),
    core("example_nested_branch_dag"),
    core("example_dynamic_task_mapping", "example_dynamic_task_mapping", "example_task_mapping_second_order", "example_task_group_mapping"),
    core("example_dynamic_task_mapping_with_no_taskflow_operators"),
    core("example_latest_only_with_trigger", "latest_only_with_trigger"),
    core("example_setup_teardown"),
    core("example_setup_teardown_taskflow"),
    core("example_skip_dag"),
    core("example_task_group"),
    core("example_task_group_decorator"),
    standard("example_branch_datetime_operator", "example_branch_datetime_operator", "example_branch_datetime_operator_3"),
    standard("example_branch_operator", by_chance=True),
    standard("example_branch_operator_decorator", "example_branch_python_operator_decorator", by_chance=True),
    standard("example_latest_only", "latest_only"),
    standard("example_short_circuit_decorator"),
    standard("example_short_circuit_operator"),
    # values: params, XComs, state
    core("example_display_name"),
    core("example_params_trigger_ui"),
    core("example_params_ui_tutorial", conf={"required_field": "given by hand"}),
    core("example_passing_params_via_test_command"),
    core("example_simplest_dag"),
    core("example_task_state_store"),
    core("example_task_state_store_async"),
    core("example_task_state_store_mapped"),
    core("example_xcom"),
    core("example_xcomargs", "example_xcom_args", "example_xcom_args_with_operators"),
    core("tutorial"),
    core("tutorial_dag"),
    core("tutorial_taskflow_api"),
    core("tutorial_taskflow_api_virtualenv"),
    core("tutorial_taskflow_templates"),
    standard("example_bash_decorator"),
    standard("example_bash_operator"),
    standard("example_measurement_correction_decorator"),
    standard("example_measurement_correction_operator"),
    standard("example_python_decorator"),
    standard("example_python_operator"),
    # rules: failure, weights, timetables of plug-ins
    core("example_custom_weight"),
    core("example_failed_dag"),
    core("example_workday_timetable"),
    # waiting: sensors, triggers, humans, other DAGs
    core("example_time_delta_sensor_async"),
    standard("example_sensor_decorator"),
    standard(
        "example_sensors",
        unfinished=("timeout_after_second_date_in_the_future_async", "print_date_in_bash"),
        # an hour from now may be tomorrow, and today may be Monday
        by_clock=(
            "timeout_after_second_date_in_the_future", "timeout_after_second_date_in_the_future_async",
            "week_day_sensor_failing_on_timeout", "print_date_in_bash",
        ),
    ),
    standard("example_hitl_operator", answers=HUMAN),
    Example(
        (f"{STANDARD}example_external_task_parent_deferrable.py", f"{STANDARD}example_external_task_child_deferrable.py"),
        ("example_external_task",),
        ("child_dag",),
        waits=True,
    ),
    standard("example_external_task_marker_dag", "example_external_task_marker_parent"),
    Example(
        (f"{STANDARD}example_trigger_controller_dag.py", f"{CORE}example_trigger_target_dag.py"),
        ("example_trigger_controller_dag",),
        ("example_trigger_target_dag",),
    ),
)

LEFT_OUT = {
    "example_dag_decorator, example_retry_policy, tutorial_objectstorage": "ask a server on the Internet",
    "example_kubernetes_executor, example_local_kubernetes_executor": "need Kubernetes, and are no DAGs without its provider",
    "example_inlet_event_extra": "names an asset with the URI of example_outlet_event_extra's: which of the two is active is chance",
    "example_analytics": "needs DataFusion and files in cloud storage",
    "example_branch_day_of_week_operator": "chooses by the day of the week on which it runs",
    "example_branch_datetime_operator_2": "chooses by the hour at which it runs; the file's other DAGs are run",
    "example_external_task_marker_child": "waits ten minutes for a task group that upstream's file does not have; the file's other DAG is run",
    "other DAGs of example_asset_partition": "come due by the clock; those that have their partitions at run time are run",
}
"""Files, or DAGs of files, that are not run, with the reason."""
