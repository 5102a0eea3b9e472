"""What differs from run to run in texts and fields, put under names by rules with reasons."""

import datetime
import re

DAY = datetime.timedelta(days=1)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
PATTERNS = (
    # (what, as what, why)
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"), "<id>", "ids of task instances and DAG versions are made at random"),
    (re.compile(r"(?<=<time>)[_+-][A-Za-z0-9]{8}\b"), "_<random>", "a run id that the server makes ends at random"),
    (
        re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[AP]M )?[A-Z]{3,4} \d{4}\b"), "<date>",
        "what the program `date` prints is its moment",
    ),
    (re.compile(r"\bjob-[a-z0-9]{8}\b"), "<job>", "example_task_state_store names its job at random"),
)
FIELDS = {
    # field: (as what, why)
    "duration": ("<seconds>", "how long it took"),
    "last_parse_duration": ("<seconds>", "how long it took"),
    "pid": ("<pid>", "processes have other numbers"),
    "hostname": ("<host>", "the machine's name"),
    "unixname": ("<user>", "whose processes these are"),
    "version_number": ("<version>", "some files differ at each parse (they read the clock), and how often a file is parsed is the server's affair"),
}


class Texts:
    """`places` are the server's own folders and names, with what they are called."""

    def __init__(self, places: dict[str, str]):
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.places = sorted(((place, name) for place, name in places.items() if place), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        for place, name in self.places:
            text = text.replace(place, name)
        text = TIME.sub(lambda found: "<time>" if self.of_now(found[0]) else found[0], text)
        for pattern, name, _ in PATTERNS:
            text = pattern.sub(name, text)
        return text

    def of_now(self, written: str, later: datetime.timedelta = datetime.timedelta()) -> bool:
        """A time by the clock of this day, or of so much later, as opposed to one that the test or the DAG names."""
        try:
            time = datetime.datetime.fromisoformat(written)
        except ValueError:
            return False
        return abs((time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)) - later - self.now) < DAY

    def is_moment(self, seconds: float) -> bool:
        """The same of seconds since 1970."""
        return abs(seconds - self.now.timestamp()) < DAY.total_seconds()
