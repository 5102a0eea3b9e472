"""Whether a version of a model may take an alias."""

from __future__ import annotations

import re

MODEL_BY_ALIAS = re.compile(r"models:/(?P<name>[^/@]+)@(?P<alias>.+)")


def version_of(client, name: str, alias: str) -> str | None:
    """The version that has the alias."""
    version = client.get_registered_model(name).aliases.get(alias)
    return None if version is None else str(version)


def pinned(client, uri: str) -> str:
    """The same model by its version, where ``uri`` names an alias."""
    found = MODEL_BY_ALIAS.fullmatch(uri)
    if found is None:
        return uri
    version = version_of(client, found["name"], found["alias"])
    if version is None:
        raise ValueError(f"{uri}: {found['name']} has no version with this alias")
    return f"models:/{found['name']}/{version}"


def metric_of(client, name: str, version: str, metric: str) -> float | None:
    """A metric of the version's logged model, or else of the run that made it."""
    found = client.get_model_version(name, version)
    model_id = getattr(found, "model_id", None)
    if model_id:
        logged = client.get_logged_model(model_id).metrics or []
        values = [one.value for one in logged if one.key == metric]
        if values:
            return values[-1]
    return client.get_run(found.run_id).data.metrics.get(metric) if found.run_id else None


def judge(
    client,
    name: str,
    version: str,
    *,
    metric: str | None,
    higher_is_better: bool,
    minimum: float | None,
    tolerance: float,
    compare_with: str,
) -> dict:
    """What was compared, and in ``refused`` why the version may not, or None."""
    verdict = {"name": name, "version": version, "metric": metric, "value": None, "other": None, "other_value": None, "refused": None}
    if metric is None:
        return verdict
    sign = 1.0 if higher_is_better else -1.0
    value = verdict["value"] = metric_of(client, name, version, metric)
    if value is None or value != value:
        return verdict | {"refused": f"it has no metric {metric}"}
    if minimum is not None and sign * value < sign * minimum:
        return verdict | {"refused": f"{metric} is {value:g}, the bound is {minimum:g}"}
    other = verdict["other"] = version_of(client, name, compare_with)
    if other is None or other == version:
        return verdict
    best = verdict["other_value"] = metric_of(client, name, other, metric)
    if best is not None and best == best and sign * value < sign * best - tolerance:
        return verdict | {"refused": f"{metric} is {value:g}, that of version {other} ({compare_with}) is {best:g}"}
    return verdict
