"""How much of the battery ran: fault counters, checks and steps, added up in one JSON file.

`BATTERY_COUNTS` names the file; without it nothing is written. Every test of the battery may add to it, from several
processes at once. Its shape, in which every number only grows:

    {"faults":  {"close_no_answer": 41, ...},   how often each fault was really met, by the simulator's name for it
     "rules":   {"place": 200, ...},            how often each rule of the state machine ran
     "checks":  1060,                           judgements made (equal to `steps`, or the run is unknown)
     "steps":   1060,                           things done that had to be judged
     "figures": {"not_sent_but_read": 0, ...}}  counts that the gate compares with its goals

A name that was never added is absent: whoever reads the file compares with the list of names that must be there.
`BATTERY` says how long the run shall be: unset (the normal tests), `gate`, or `long`.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EMPTY: dict[str, Any] = {"faults": {}, "rules": {}, "checks": 0, "steps": 0, "figures": {}}
NAMED = ("faults", "rules", "figures")


def sized(normal: int, gate: int, long: int) -> int:
    """The number that fits this run's length."""
    sizes = {"": normal, "gate": gate, "long": long}
    return sizes[os.environ.get("BATTERY", "")]


def add(
    faults: Mapping[str, int] | None = None,
    *,
    rules: Mapping[str, int] | None = None,
    checks: int = 0,
    steps: int = 0,
    figures: Mapping[str, int] | None = None,
) -> None:
    """Add to the file that BATTERY_COUNTS names, if it names one."""
    if path := os.environ.get("BATTERY_COUNTS"):
        named = {"faults": faults or {}, "rules": rules or {}, "figures": figures or {}}
        add_to(Path(path), {**named, "checks": checks, "steps": steps})


def add_to(path: Path, more: Mapping[str, Any]) -> None:
    """Add counts of the same shape to a file, which need not exist yet; safe from several processes."""
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        merged = merge(json.loads(text) if text else EMPTY, more)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(merged, indent=1, sort_keys=True))


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of two counts; names that one of them lacks count as zero there."""
    sums: dict[str, Any] = {key: one.get(key, 0) + other.get(key, 0) for key in ("checks", "steps")}
    for key in NAMED:
        left, right = one.get(key, {}), other.get(key, {})
        sums[key] = {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}
    return sums
