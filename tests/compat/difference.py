"""Two answers, field by field."""

import dataclasses

ABSENT = "(absent)"


@dataclasses.dataclass(frozen=True)
class Difference:
    at: str
    stock: object
    artel: object


def compared(stock, artel, at: str = "") -> list[Difference]:
    """Every place in which the two are not equal. Numbers are equal as JSON has them: 1 and 1.0 are."""
    if isinstance(stock, dict) and isinstance(artel, dict):
        keys = sorted(stock.keys() | artel.keys())
        return [d for key in keys for d in compared(stock.get(key, ABSENT), artel.get(key, ABSENT), f"{at}.{key}")]
    if isinstance(stock, list) and isinstance(artel, list):
        if len(stock) != len(artel):
            return [Difference(f"{at}.length", len(stock), len(artel)), Difference(at, stock, artel)]
        return [d for i, pair in enumerate(zip(stock, artel)) for d in compared(*pair, f"{at}[{i}]")]
    same = stock == artel and isinstance(stock, bool) == isinstance(artel, bool)
    return [] if same else [Difference(at, stock, artel)]
