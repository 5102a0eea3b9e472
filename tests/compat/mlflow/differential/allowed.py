"""Differences that are meant. Each has a reason; one that no answer needs any more fails the replay."""

import dataclasses
import fnmatch
import re

from compare import Difference


@dataclasses.dataclass(frozen=True)
class Allowed:
    """`cases` and `at` are shell patterns; the rest are regular expressions for the whole of a value.

    With `statuses` the entry is for whole answers that have them, stock's first.
    """

    reason: str
    cases: str = "*"
    at: str = "*"
    stock: str = ".*"
    artel: str = ".*"
    statuses: tuple[str, str] = (".*", ".*")

    def covers(self, label: str, statuses: tuple[int, int], difference: Difference) -> bool:
        texts = zip((self.stock, self.artel, *self.statuses), (difference.stock, difference.artel, *statuses))
        return (
            fnmatch.fnmatchcase(label, self.cases)
            and fnmatch.fnmatchcase(difference.at, self.at.replace("[", "[[]"))
            and all(re.fullmatch(pattern, str(value), re.DOTALL) for pattern, value in texts)
        )


ALLOWED: tuple[Allowed, ...] = (
    Allowed(
        "A mistake of the user is a 4xx that names it: stock's own exception ends in a 500, which clients repeat for minutes.",
        statuses=("500", "4.."),
    ),
)
