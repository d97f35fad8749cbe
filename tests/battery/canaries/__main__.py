"""Let the canaries loose, each in a process of its own, and see whether its named test catches it.

    python -m tests.battery.canaries [--only N ...] [--json PATH]

Exit status 0 only when every chosen canary was caught: its tests are green without it and red with it, for the reason
that the registry names. The JSON is a list with number, name, caught, guard_refused (null where no guard stands in the
way), seconds and why for each.
"""

import argparse
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.battery.canaries.arena import Arena, Ended, arena
from tests.battery.canaries.canary import Canary, Trial
from tests.battery.canaries.registry import CANARIES

AT_ONCE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.battery.canaries", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", metavar="N", choices=[c.number for c in CANARIES])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", action="store_true", help="print what each test that was not caught printed")
    options = parser.parse_args()
    canaries = [c for c in CANARIES if not options.only or c.number in options.only]
    began = time.monotonic()
    with arena() as place, ThreadPoolExecutor(AT_ONCE) as pool:
        green = green_tests(place, pool, canaries)
        found = []
        for one in pool.map(lambda canary: let_loose(place, canary, green), canaries):
            found.append(one)
            print(told(one), flush=True)
            if options.show and not one["caught"]:
                print(one["printed"])
    caught = sum(one["caught"] for one in found)
    print(f"{caught} of {len(found)} canaries caught in {time.monotonic() - began:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 0 if caught == len(found) else 1


def green_tests(place: Arena, pool: ThreadPoolExecutor, canaries: list[Canary]) -> set[str]:
    """The named tests that are green as long as nothing is seeded; each is run once."""
    tests = sorted({trial.test for canary in canaries for trial in canary.trials})
    parts = [part for part in (tests[::AT_ONCE], *(tests[n::AT_ONCE] for n in range(1, AT_ONCE))) if part]
    ended = list(pool.map(place.run, parts))
    for one in ended:
        if one.status:
            print(one.printed[-6000:])
    return {test for test in tests if any(one.is_green(test) for one in ended)}


def let_loose(place: Arena, canary: Canary, green: set[str]) -> dict[str, Any]:
    """Each trial with the bug and without the database's guard; before it, where there is one, with the guard."""
    why, printed, seconds, refused = [], [], 0.0, True
    for trial in canary.trials:
        if trial.test not in green:
            why.append(f"{trial.test} is not green by itself")
            continue
        if canary.guard:
            guarded = place.run([trial.test], canary=canary.number)
            refused = refused and is_refused(guarded, trial, canary.guard)
            seconds += guarded.seconds
            if not refused:
                why.append(f"the database does not refuse it by {canary.guard}")
                printed.append(guarded.printed[-4000:])
        ended = place.run([trial.test], canary=canary.number, unguarded=True)
        seconds += ended.seconds
        if problem := escaped(ended, trial):
            why.append(problem)
            printed.append(ended.printed[-4000:])
    return {
        "number": canary.number,
        "name": canary.name,
        "seeded": canary.seeded,
        "nearest": canary.nearest,
        "tests": [trial.test for trial in canary.trials],
        "caught": not why,
        "guard_refused": refused if canary.guard else None,
        "seconds": round(seconds, 1),
        "why": "; ".join(why),
        "printed": "\n".join(printed),
    }


def escaped(ended: Ended, trial: Trial) -> str:
    """Why the bug was not caught; empty if it was."""
    failure = ended.failure(trial.test)
    if failure is None:
        return f"{trial.test} did not turn red" if ended.is_green(trial.test) else f"{trial.test} did not run"
    return "" if re.search(trial.shows, failure) else f"{trial.test} turned red without {trial.shows!r}"


def is_refused(ended: Ended, trial: Trial, guard: str) -> bool:
    """Nothing broke, and where the refusal is not swallowed as an everyday one, the database's own words are there."""
    failure = ended.failure(trial.test)
    if ended.is_green(trial.test):
        return True
    return failure is not None and guard in failure and not re.search(trial.shows, failure)


def told(one: dict[str, Any]) -> str:
    guard = {None: "", True: ", refused by the database", False: ", LET IN by the database"}[one["guard_refused"]]
    word = "caught" if one["caught"] else "ESCAPED"
    return f"{one['number']:>2} {word:<8}{one['seconds']:>6.1f} s  {one['name']}{guard} {one['why']}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
