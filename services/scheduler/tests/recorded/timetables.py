"""Records what Airflow's own timetables say, for the native ones to be compared with.

    ENV/bin/python timetables.py > timetables.json      (an environment of python/requirements/airflow.txt)
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import random
from unittest import mock

os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "client")

import pendulum
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.events import EventsTimetable
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from airflow.timetables.trigger import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable
from dateutil.relativedelta import relativedelta

CRONS = [
    "* * * * *", "*/5 * * * *", "30 * * * *", "0 0 * * *", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", "@hourly",
    "30 2 * * *", "0 */2 * * *", "15 10 1,15 * *", "0 0 13 * 5", "0 12 */2 * mon", "0 9 * * 1-5", "0 9 * * mon-fri", "5 4 * * sun",
    "0 0 * * 7", "0 0 1 jan,jul *", "0 22 * * fri-mon", "10-20/3 1-5 * * *", "0 0 31 * *", "0 0 29 2 *", "0 0 L * *", "0 8 * * 5#2",
    "0/15 6 * * *", "*/1 */1 * * *", "0 3 1-7 * sat", "59 23 31 12 *", "0 1 * * 6,0",
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
# around the changes of 2026 and at ordinary times, some with fractions
NOWS = [
    "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-10-25T00:15:00Z", "2026-10-25T01:00:00.250Z", "2026-03-08T06:59:59Z",
    "2026-11-01T05:30:00Z", "2026-06-15T12:34:56.789Z", "2026-01-01T00:00:00Z", "2026-04-04T15:10:00Z", "2027-02-28T23:59:30Z",
]


def timetables():
    rng = random.Random(7)
    for cron, zone in itertools.product(CRONS, ZONES):
        yield CronDataIntervalTimetable(cron, zone)
        yield CronTriggerTimetable(cron, timezone=zone, interval=rng.choice([dt.timedelta(), dt.timedelta(hours=5), relativedelta(months=1)]),
                                   run_immediately=rng.choice([False, True, dt.timedelta(hours=3)]))
    for delta in (dt.timedelta(minutes=7), dt.timedelta(hours=3), dt.timedelta(days=1), relativedelta(months=1), relativedelta(weeks=2), dt.timedelta(seconds=90)):
        yield DeltaDataIntervalTimetable(delta)
        yield DeltaTriggerTimetable(delta, interval=rng.choice([dt.timedelta(), dt.timedelta(minutes=30)]))
    yield MultipleCronTriggerTimetable("0 1 * * *", "30 5 * * 1-5", timezone="Europe/Berlin")
    yield MultipleCronTriggerTimetable("*/10 * * * *", "0 * * * *", timezone="UTC", interval=dt.timedelta(hours=1), run_immediately=True)
    events = [pendulum.parse(text) for text in NOWS[:6]]
    yield EventsTimetable(events)
    yield EventsTimetable(events[2:5], restrict_to_events=True, description="matches")
    yield OnceTimetable()
    yield ContinuousTimetable()
    yield NullTimetable()


def stamp(at):
    return None if at is None else at.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")


def at_time(now):
    return (
        mock.patch("airflow.timetables.trigger.utcnow", lambda: now),
        mock.patch("airflow.timetables.interval.utcnow", lambda: now),
        mock.patch("airflow._shared.timezones.timezone.utcnow", lambda: now),
        mock.patch("airflow.timetables.trigger.time.time", now.timestamp),
    )


def ask(timetable, now, last, restriction):
    a, b, c, d = at_time(now)
    with a, b, c, d:
        return timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)


def case(timetable, rng):
    now = pendulum.parse(rng.choice(NOWS))
    earliest = rng.choice([None, now.subtract(days=40), now.subtract(hours=5, minutes=3), now.add(hours=7), now.start_of("day")])
    latest = rng.choice([None, None, None, now.add(days=3)])
    catchup = rng.random() < 0.5
    restriction = TimeRestriction(earliest, latest, catchup)
    asked, last, steps = now, None, []
    for _ in range(5):
        info = ask(timetable, asked, last, restriction)
        if info is None:
            steps.append({"now": stamp(asked), "next": None})
            break
        steps.append({"now": stamp(asked), "next": [stamp(info.run_after), stamp(info.data_interval.start), stamp(info.data_interval.end)]})
        last = DataInterval(info.data_interval.start, info.data_interval.end)
        # the runs are made when they are due, sometimes late
        asked = max(asked, info.run_after.add(seconds=rng.choice([0, 1, 4000])))
    manual = timetable.infer_manual_data_interval(run_after=now)
    return {
        "timetable": encode_timetable(timetable), "earliest": stamp(earliest), "latest": stamp(latest), "catchup": catchup,
        "steps": steps, "manual": [stamp(now), stamp(manual.start), stamp(manual.end)],
        "summary": None if timetable.summary == "None" else timetable.summary, "periodic": timetable.periodic,
    }


def main():
    rng = random.Random(42)
    cases = [case(timetable, rng) for timetable in timetables() for _ in range(2)]
    print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")


if __name__ == "__main__":
    main()
