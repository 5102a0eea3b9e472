"""Tasks that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from airflow.sdk import dag, task


@dag(schedule=None)
def hostile():
    @task
    def hog():
        return len(bytearray(3 << 30))

    @task
    def spins():
        while True:
            pass

    @task
    def stubborn():
        """Starts a process in a session of its own; both ignore SIGTERM."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(601)"
        subprocess.Popen([sys.executable, "-c", ignore], start_new_session=True)
        if os.fork() == 0:
            time.sleep(602)
        time.sleep(603)

    @task
    def loud():
        for _ in range(100):
            sys.stdout.write("x" * (1 << 20) + "\n")
        return "said"

    @task
    def large():
        return "x" * (50 << 20)

    hog(), spins(), stubborn(), loud(), large()


hostile()
