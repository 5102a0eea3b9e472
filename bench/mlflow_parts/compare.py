"""What both servers are asked to do, one after the other."""

from . import transfers
from .client import PREFIX, Client, at_once, batch, curve, note, timed


def measure(server, options):
    """Every figure, by its name, in the order of the table."""
    client = Client(server)
    figures = {"start, ms": server.start_ms}
    server.settle()
    figures["CPU when idle, ms a second"] = server.idle
    figures["resident when idle, MB"] = server.resident_mb()
    experiment = client.experiment("bench")
    writes(server, client, experiment, figures)
    history(server, client, experiment, options.steps, figures)
    search(server, client, options.runs, figures)
    artifacts(server, client, experiment, options.artifact_mb, figures)
    figures["resident afterwards, MB"] = server.resident_mb()
    return figures


def writes(server, client, experiment, figures):
    run = client.run(experiment)

    def log_metric(i):
        client.post("runs/log-metric", {"run_id": run, "key": "one", "value": i, "timestamp": 1_700_000_000_000, "step": i})

    def read():
        client.call("GET", f"{PREFIX}runs/get?run_id={run}")

    note(figures, "log-metric", timed(server, client, 1000, log_metric, read))
    note(figures, "runs/create", timed(server, client, 200, lambda _: client.run(experiment)))
    log_batch = timed(server, client, 400, lambda i: client.post("runs/log-batch", batch(run, 100, i * 100)), read)
    note(figures, "log-batch of 100 metrics", log_batch)
    figures["8 writers, log-batch of 100, per second"] = writers(server, experiment)


def writers(server, experiment, count=8, each=40):
    clients = [Client(server) for _ in range(count)]
    runs = [client.run(experiment) for client in clients]

    def write(client, run):
        for i in range(each):
            client.post("runs/log-batch", batch(run, 100, i * 100))

    return count * each / at_once([lambda pair=pair: write(*pair) for pair in zip(clients, runs, strict=True)])


def history(server, client, experiment, steps, figures):
    deep = client.run(experiment)
    before = server.work_ms()
    for begin in range(0, steps, 1000):
        client.post("runs/log-batch", curve(deep, "loss", begin, min(begin + 1000, steps)))
    client.call("GET", f"{PREFIX}runs/get?run_id={deep}")
    figures["log-batch of 1,000 steps: CPU ms"] = (server.work_ms() - before) / max(1, steps // 1000)

    def read(_):
        points = client.history(deep, "loss")
        assert points == steps, f"{points} of {steps} points came"

    note(figures, f"history of {steps:,} steps", timed(server, client, 3, read), ("CPU ms", "p50 ms"))
    sampled = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={deep}&metric_key=loss&max_results=320"
    note(figures, "its 320 points for a chart", timed(server, client, 5, lambda _: client.call("GET", sampled)), ("CPU ms", "p50 ms"))


def search(server, client, runs, figures):
    searched = client.experiment("searched")
    clients = [Client(server) for _ in range(4)]

    def fill(part, client):
        for i in range(part, runs, len(clients)):
            points = [{"key": f"m{k}", "value": (i * 7919 % 10007) / 10007 + k, "timestamp": 1, "step": 0} for k in range(3)]
            client.post(
                "runs/log-batch",
                {"run_id": client.run(searched), "metrics": points, "params": [{"key": "p", "value": str(i % 10)}]},
            )

    at_once([lambda pair=pair: fill(*pair) for pair in enumerate(clients)])
    query = {"experiment_ids": [searched], "max_results": 100}
    kinds = ("CPU ms", "p50 ms")
    note(figures, f"search of {runs:,} runs", timed(server, client, 10, lambda _: client.post("runs/search", query)), kinds)
    by_param = {**query, "filter": "params.p = '3'"}
    note(figures, "by a param", timed(server, client, 10, lambda _: client.post("runs/search", by_param)), kinds)
    by_metric = {**query, "filter": "metrics.m1 > 1.1", "order_by": ["metrics.m1 DESC"]}
    note(figures, "by a metric, in metric order", timed(server, client, 3, lambda _: client.post("runs/search", by_metric)), kinds)


def artifacts(server, client, experiment, megabytes, figures):
    up, down, extra = transfers.measure(server, client, experiment, megabytes)
    figures[f"artifact of {megabytes:,} MB upload, MB per second"] = up
    figures[f"artifact of {megabytes:,} MB download, MB per second"] = down
    figures["memory that both took at most, MB"] = extra
