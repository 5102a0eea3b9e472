"""Which runs each timetable makes of a past that has an end, with and without catching up."""

import datetime as dt

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (
    DAG,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)

UTC, BERLIN, NEW_YORK = "UTC", pendulum.timezone("Europe/Berlin"), pendulum.timezone("America/New_York")
NEW_YEAR = (pendulum.datetime(2026, 1, 1, tz=UTC), pendulum.datetime(2026, 1, 4, tz=UTC))
SPRING = (pendulum.datetime(2026, 3, 28, tz=BERLIN), pendulum.datetime(2026, 3, 31, tz=BERLIN))
AUTUMN = (pendulum.datetime(2025, 10, 31, tz=NEW_YORK), pendulum.datetime(2025, 11, 4, tz=NEW_YORK))
TIMETABLES = {
    "cron": ("0 3 * * *", NEW_YEAR),
    "preset": ("@daily", NEW_YEAR),
    "weekdays_or_day_of_month": ("0 0 2 * MON", (NEW_YEAR[0], pendulum.datetime(2026, 1, 20, tz=UTC))),
    "cron_intervals": (CronDataIntervalTimetable("0 3 * * *", timezone=UTC), NEW_YEAR),
    "cron_trigger_with_interval": (CronTriggerTimetable("0 3 * * *", timezone=UTC, interval=dt.timedelta(days=1)), NEW_YEAR),
    "delta": (dt.timedelta(hours=20), NEW_YEAR),
    "delta_trigger": (DeltaTriggerTimetable(dt.timedelta(hours=20)), NEW_YEAR),
    "delta_intervals": (DeltaDataIntervalTimetable(dt.timedelta(hours=20)), NEW_YEAR),
    "two_crons": (MultipleCronTriggerTimetable("0 3 * * *", "30 15 * * *", timezone=UTC), NEW_YEAR),
    "once": ("@once", NEW_YEAR),
    "spring": ("30 2 * * *", SPRING),
    "spring_intervals": (CronDataIntervalTimetable("30 2 * * *", timezone=BERLIN), SPRING),
    "autumn": ("30 1 * * *", AUTUMN),
    "autumn_hourly": ("0 */6 * * *", AUTUMN),
    "autumn_intervals": (CronDataIntervalTimetable("30 1 * * *", timezone=NEW_YORK), AUTUMN),
}

for name, (timetable, (begin, end)) in TIMETABLES.items():
    for catchup in (True, False):
        with DAG(f"rule_catchup_{name}{'' if catchup else '_off'}", schedule=timetable, start_date=begin, end_date=end, catchup=catchup, max_active_runs=16):
            EmptyOperator(task_id="task")
