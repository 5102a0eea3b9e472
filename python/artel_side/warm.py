"""What a task's process would do again and again in the same way, done once before it is forked.

Two kinds: what is kept in memory for every fork (:func:`before_serving`), and what a spare process does while it waits
(:func:`rehearse`). A page of the fork server that a child writes to is copied first, if only for a reference count, so that a
first use in the child costs milliseconds even where there is nothing left to import.
"""

from __future__ import annotations

import functools
import gc
import os
import socket
import sys


def before_serving() -> None:
    """Import what every task needs before its own DAG file is read, and build what is built for each."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "client")
    import encodings.idna

    import airflow.dag_processing.bundles.local
    import airflow.dag_processing.bundles.manager
    import airflow.dag_processing.dagbag
    import airflow.providers.standard.decorators.bash
    import airflow.providers.standard.decorators.branch_python
    import airflow.providers.standard.decorators.python
    import airflow.providers.standard.decorators.sensor
    import airflow.providers.standard.decorators.short_circuit
    import airflow.providers.standard.operators.bash
    import airflow.providers.standard.operators.python
    import airflow.sdk._shared.logging.factory
    import airflow.sdk._shared.logging.remote
    import airflow.sdk.definitions.asset.metadata
    import airflow.sdk.definitions.decorators
    import airflow.sdk.execution_time.secrets
    import airflow.sdk.execution_time.supervisor
    import airflow.sdk.execution_time.task_runner
    import airflow.version
    import jinja2.ext  # every environment of templates asks for it
    import setproctitle  # noqa: F401

    quiet_skops()
    keep_adapters()
    log_nowhere()
    gc.collect()
    gc.freeze()


def quiet_skops() -> None:
    """Keep a thousand warnings out of the log of a task that saves a scikit-learn model.

    skops, MLflow's format for such models, looks each function up in every loaded module, and Airflow's modules of moved
    names warn at each look. Warnings about the user's own imports stay.
    """
    import warnings

    from airflow.utils.deprecation_tools import DeprecatedImportWarning

    warnings.filterwarnings("ignore", category=DeprecatedImportWarning, module=r"skops\.")


def keep_adapters() -> None:
    """Have Airflow's decoder of messages take the validator that is there already instead of building two alike."""
    from airflow.sdk.execution_time import comms

    comms.TypeAdapter = functools.cache(comms.TypeAdapter)
    decode_nothing()


def rehearse() -> None:
    """Do what a task does first, without effect, while nobody waits for it. What cannot be rehearsed is done by the task."""
    try:
        log_nowhere()
        decode_nothing()
        define_nothing()
    except Exception as error:  # a process that ends of it would be made again and again
        print(f"cannot rehearse a task: {error}", file=sys.stderr, flush=True)


def log_nowhere() -> None:
    """Set logging up as for a task, say a word and take it down again."""
    import structlog
    from airflow.sdk.log import configure_logging, reset_logging

    hook = sys.excepthook
    with open(os.devnull, "wb", buffering=0) as nowhere:
        reset_logging()
        configure_logging(json_output=True, output=nowhere, sending_to_supervisor=True)
        structlog.get_logger("task").info("")
        reset_logging()
    sys.excepthook = hook


def decode_nothing() -> None:
    """Make the decoder of a conversation that does not take place."""
    from airflow.sdk.execution_time.comms import CommsDecoder

    ours, theirs = socket.socketpair()
    with ours, theirs:
        CommsDecoder(socket=ours)


def define_nothing() -> None:
    """Define a DAG that nobody sees, in the ways of most files."""
    from airflow.sdk import DAG, task
    from airflow.sdk.definitions._internal.contextmanager import DagContext
    from airflow.providers.standard.operators.bash import BashOperator

    with DAG("rehearsal", schedule=None, auto_register=False) as dag:

        @task
        def first() -> None:
            pass

        @task
        def second(given: object) -> None:
            pass

        second(first()) >> BashOperator(task_id="third", bash_command="true")
    dag.get_template_env()
    DagContext.autoregistered_dags.clear()
