"""Records the runs that Airflow's timetables make of spans in which clocks change, for backfills and catching up.

    ENV/bin/python spans.py > spans.json      (an environment of python/requirements/airflow.txt)
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os

os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "client")

import pendulum
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronPartitionTimetable, CronTriggerTimetable

CRONS = ["30 2 * * *", "0 * * * *", "*/30 * * * *", "0 */2 * * *", "15 1-3 * * *", "0 0 * * 0", "30 1 1,29 * *", "5 2 * * sun", "45 23 * * *"]
ZONES = {
    # one whose clocks change by an hour, one where they do so elsewhere in the year, one where they change by half an hour
    "Europe/Berlin": ("2026-03-28", "2026-10-24"),
    "America/New_York": ("2026-03-07", "2026-10-31"),
    "Australia/Lord_Howe": ("2026-04-03", "2026-10-02"),
}
DAYS = 3


def stamp(at):
    return at.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")


def runs(timetable, earliest, latest):
    """serialization/definitions/dag.py `iter_dagrun_infos_between`."""
    restriction, info = TimeRestriction(earliest, latest, catchup=True), None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        yield [stamp(info.run_after), stamp(info.data_interval.start), stamp(info.data_interval.end)]


def case(timetable, earliest):
    latest = earliest.add(days=DAYS)
    if isinstance(timetable, CronPartitionTimetable):
        found = [[stamp(i.run_after), i.partition_key] for i in timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)]
        return described(timetable, earliest, latest, found, whole=True)
    found, whole = [], True
    try:
        for info in runs(timetable, earliest, latest):
            found.append(info)
    except ValueError:
        whole = False  # where clocks change by half an hour some of upstream's schedules give up: nothing is known of the rest
    return described(timetable, earliest, latest, found, whole)


def described(timetable, earliest, latest, found, whole):
    span = {"earliest": stamp(earliest), "latest": stamp(latest)}
    return {"timetable": encode_timetable(timetable), **span, "runs": found, "whole": whole}


def timetables(cron, zone):
    yield CronDataIntervalTimetable(cron, zone)
    yield CronTriggerTimetable(cron, timezone=zone)
    yield CronPartitionTimetable(cron, timezone=zone, key_format="%Y-%m-%dT%H:%M")


def main():
    found = []
    for cron, (zone, days) in itertools.product(CRONS, ZONES.items()):
        for timetable, day in itertools.product(timetables(cron, zone), days):
            found.append(case(timetable, pendulum.parse(f"{day}T05:10:00Z")))
    for zone, day in ((zone, day) for zone, days in ZONES.items() for day in days):
        begin = pendulum.parse(f"{day}T00:00:00", tz=zone)
        found.append(case(DeltaDataIntervalTimetable(dt.timedelta(hours=5)), begin.in_timezone("UTC")))
    print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in found) + "\n]")


if __name__ == "__main__":
    main()
