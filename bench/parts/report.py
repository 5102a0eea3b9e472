"""Tables, and the page they are kept in."""

import platform
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/BENCHMARKS.md"
HEAD = """# Benchmarks

Written by the programs in `bench`, with `--write`; each part says when, on what, and with which options it was
measured. Both servers are asked the same, one after the other, in one run on one machine. The last column says how many times less Artel's
figure is, or, for rates, how many times more. CPU is that of the server's whole process tree per request (of PostgreSQL
too, where it is used), less what it uses when nobody asks; it hardly depends on what else the machine does, wall-clock
figures do. The stock server runs with one worker and its other defaults, its job runner among them.
"""


def ratios(stock, artel):
    rows = ["| | stock | Artel | ratio |", "|---|--:|--:|--:|"]
    for name, theirs in stock.items():
        ours = artel[name]
        better = ours / theirs if "per second" in name else theirs / ours if ours else float("inf")
        rows.append(f"| {name} | {theirs:,.2f} | {ours:,.2f} | {f'{better:,.1f}×' if ours else '–'} |")
    return "\n".join(rows)


def pages(rows, goal):
    lines = [f"Goal: the first page in under {goal} ms at the median.", "", "| | p50 ms | CPU ms |", "|---|--:|--:|"]
    for name, p50, cpu in rows:
        plain = "," in name and name.rpartition(", ")[2] in ("ms", "MB")
        lines.append(f"| {name} | {p50:,.1f} | {'' if plain else f'{cpu:,.1f}'} |")
    return "\n".join(lines)


def speeds(direct, stock, artel):
    """Of each side: MB per second up, the same down, and of the proxies the memory that it took."""
    lines = ["| | boto3 directly | stock proxy | Artel proxy | Artel to boto3 |", "|---|--:|--:|--:|--:|"]
    for name, own, theirs, ours in zip(("upload", "download"), direct, stock, artel):
        lines.append(f"| {name}, MB per second | {own:,.0f} | {theirs:,.0f} | {ours:,.0f} | {ours / own:,.2f}× |")
    lines.append(f"| memory that both took at most, MB | | {stock[2]:,.0f} | {artel[2]:,.0f} | |")
    return "\n".join(lines)


def conditions(options, names, stock=""):
    """One line: when, what and where. `stock` is the stock server's name and version."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    # The last commit that was there when the binary was built.
    built = int(Path(options.binary).stat().st_mtime)
    commit = said("git", "-C", ROOT, "log", "-1", f"--before=@{built}", "--format=%h")
    cores = len(re.findall(r"^processor", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    load = Path("/proc/loadavg").read_text().split()[0]
    given = ", ".join(f"{name.replace('_', '-')} {getattr(options, name):,}" for name in names)
    parts = [day, f"sources at {commit}", stock, f"{cores} cores, {platform.machine()}"]
    return "; ".join([*filter(None, parts), f"load average at the end {load}", given]) + "."


def said(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True).stdout.strip()


def write(name, title, text, page_file=PAGE):
    """Replaces one part of a page; the other parts stay as they were measured."""
    page = page_file.read_text() if page_file.exists() else HEAD
    part = f"<!-- {name} -->\n## {title}\n\n{text}\n<!-- end of {name} -->\n"
    known = re.compile(rf"<!-- {name} -->.*?<!-- end of {name} -->\n", re.DOTALL)
    page = known.sub(lambda _: part, page) if known.search(page) else f"{page.rstrip()}\n\n{part}"
    page_file.write_text(page)
