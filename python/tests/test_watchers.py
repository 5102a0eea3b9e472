"""Watchers of assets, and the versions of trigger classes, in the trigger host."""

from __future__ import annotations

import pathlib

import pytest

from side import Side

FILE = "airflow.providers.standard.triggers.file"
VERSIONED = """
import helper_of_both
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

class Says(BaseEventTrigger):
    def serialize(self):
        return "versioned.Says", {}

    async def run(self):
        yield TriggerEvent([helper_of_both.WORD, __file__])
"""
KEEPS = """
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

class Keeps(BaseEventTrigger):
    def serialize(self):
        return "keeping.Keeps", {}

    async def run(self):
        await self.asset_state_store.aset("mark", 7)
        yield TriggerEvent(await self.asset_state_store.aget("mark"))
        yield TriggerEvent("second")
"""


@pytest.fixture(scope="module")
def host(airflow_python, airflow_environment, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "host.log"
    with Side(airflow_python, "trigger_host", env=airflow_environment, log=log) as side:
        yield side


def watch(host: Side, number: str, classpath: str, kwargs: dict, folder: pathlib.Path | None = None) -> None:
    message = {"op": "run", "id": number, "classpath": classpath, "kwargs": kwargs, "watches": {"an_asset": "s3://an/asset"}}
    host.send(message | {"path": str(folder) if folder else None})


def test_a_watcher_tells_of_news_and_of_its_end(host, tmp_path):
    file = tmp_path / "flag"
    file.touch()
    watch(host, "1", f"{FILE}.FileDeleteTrigger", {"filepath": str(file), "poke_interval": 0.05})
    assert host.receive() == {"event": "news", "id": "1", "payload": True, "sequence": None}
    assert host.receive() == {"event": "finished", "id": "1"}
    assert not file.exists()


def test_two_watchers_share_a_stream(host, tmp_path):
    for number, name in (("2", "us"), ("3", "eu")):
        kwargs = {"directory": str(tmp_path), "filename": name, "poke_interval": 0.05}
        watch(host, number, f"{FILE}.DirectoryFileDeleteTrigger", kwargs)
    for number, name in (("3", "eu"), ("2", "us")):
        (tmp_path / name).touch()
        assert [(said["event"], said["id"]) for said in (host.receive(), host.receive())] == [("news", number), ("finished", number)]
        assert not (tmp_path / name).exists()


def test_a_watcher_that_breaks_fails(host):
    watch(host, "4", f"{FILE}.FileDeleteTrigger", {"no_such_argument": 1})
    assert (failed := host.receive())["event"] == "failed" and "filepath" in "".join(failed["traceback"])


def test_a_watcher_keeps_state_with_its_asset(host, tmp_path):
    (tmp_path / "keeping.py").write_text(KEEPS)
    watch(host, "5", "keeping.Keeps", {}, tmp_path)
    put = host.receive()
    assert put["body"] | {"type": ""} == {"type": "", "name": "an_asset", "key": "mark", "value": 7}, put
    host.send({"answer": put["ask"], "body": None, "error": None})
    got = host.receive()
    assert got["body"]["type"] == "GetAssetStateStoreByName"
    host.send({"answer": got["ask"], "body": {"type": "AssetStateStoreResult", "value": 7}, "error": None})
    assert [host.receive().get("payload") for _ in range(3)] == [7, "second", None]


def test_each_version_of_a_bundle_has_its_own_classes(host, tmp_path):
    for word in ("old", "new"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "versioned.py").write_text(VERSIONED)
        (tmp_path / word / "helper_of_both.py").write_text(f"WORD = {word!r}\n")
    for number, word in enumerate(("old", "new", "old")):
        watch(host, f"v{number}", "versioned.Says", {}, tmp_path / word)
        assert host.receive()["payload"] == [word, str(tmp_path / word / "versioned.py")]
        assert host.receive()["event"] == "finished"
