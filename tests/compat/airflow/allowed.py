"""Differences from stock that are meant, each with its reason. One that no answer needs any more fails the run."""

import dataclasses
import fnmatch
import re


@dataclasses.dataclass(frozen=True)
class Allowed:
    of: str
    """`examples` or `rules`."""
    why: str
    at: str
    """A pattern for the place of the difference, `example.field.field[0]`."""
    stock: str = ".*"
    artel: str = ".*"
    """Regular expressions that the whole values match."""

    def covers(self, at: str, stock, artel) -> bool:
        # brackets are numbers of lists here, not sets of characters
        pattern = self.at.replace("[", "[[]")
        return fnmatch.fnmatchcase(at, pattern) and bool(re.fullmatch(self.stock, str(stock), re.S)) and bool(re.fullmatch(self.artel, str(artel), re.S))


ALLOWED = (
)
