"""One kept-alive connection, as the published client has, and what is measured over it."""

import json
import statistics
import threading
import time

from parts import wire

PREFIX = "/api/2.0/mlflow/"
BEGAN = 1_700_000_000_000


class Client:
    """`waited` is how long, in seconds, it has waited for answers: from a request's first byte to the answer's last."""

    def __init__(self, server):
        self.port, self.connection, self.used, self.waited = server.port, None, 0.0, 0.0

    def call(self, method, path, body=None):
        request = wire.request(method, path, body=body)
        if self.connection is None or time.monotonic() - self.used > 2:
            self.close()  # servers close what is idle for some seconds
            self.connection = wire.Wire(self.port)
        self.connection.send(0, request)
        answer, kept = self.connection.receive()
        self.used = time.monotonic()
        self.waited += answer.seconds
        if not kept:
            self.close()
        if answer.status != 200:
            raise SystemExit(f"mlflow bench: {method} {path} gave {answer.status}: {answer.body[:500]}")
        return answer.body

    def close(self):
        if self.connection:
            self.connection.socket.close()
        self.connection = None

    def post(self, path, body):
        return json.loads(self.call("POST", PREFIX + path, body))

    def experiment(self, name):
        return self.post("experiments/create", {"name": name})["experiment_id"]

    def run(self, experiment):
        return self.post("runs/create", {"experiment_id": experiment, "start_time": BEGAN})["run"]["info"]["run_id"]

    def history(self, run, key, page=25_000):
        """Reads a whole history, page by page, as `MlflowClient.get_metric_history` does; the number of points."""
        path, token, points = f"{PREFIX}metrics/get-history?run_id={run}&metric_key={key}&max_results={page}", "", 0
        while True:
            answer = json.loads(self.call("GET", path + (f"&page_token={token}" if token else "")))
            points += len(answer["metrics"])
            token = answer.get("next_page_token")
            if not token:
                return points


def batch(run, count, step=0):
    """`count` points, of a hundred metrics at most."""
    metrics = [{"key": f"m{i % 100}", "value": i / 7, "timestamp": BEGAN + i, "step": step + i} for i in range(count)]
    return {"run_id": run, "metrics": metrics}


def curve(run, key, begin, end):
    """The points `begin` to `end` of one metric."""
    points = [{"key": key, "value": i / 3, "timestamp": BEGAN + i, "step": i} for i in range(begin, end)]
    return {"run_id": run, "metrics": points}


def timed(server, client, count, operation, end=None):
    """(CPU ms per operation, p50 ms, p99 ms) of what `operation` waits for by `client`. What `end` does counts as CPU time
    of the operations: work put off."""
    walls, before = [], server.work_ms()
    for i in range(count):
        began = client.waited
        operation(i)
        walls.append((client.waited - began) * 1000)
    if end:
        end()
    cpu = max(0.0, server.work_ms() - before) / count
    return cpu, statistics.median(walls), sorted(walls)[max(0, int(count * 0.99) - 1)]


def note(figures, name, measured, kinds=("CPU ms", "p50 ms", "p99 ms")):
    for what, value in zip(("CPU ms", "p50 ms", "p99 ms"), measured, strict=True):
        if what in kinds:
            figures[f"{name}: {what}"] = value


def at_once(tasks):
    """Runs all functions, each in a thread; the seconds until the last is done. An error in one is everyone's."""
    failures = []

    def run(task):
        try:
            task()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=[task]) for task in tasks]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - began
