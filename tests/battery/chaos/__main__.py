"""Run one part of the battery's processes under fire and write what it came to."""

import argparse
import signal
import sys
from pathlib import Path

from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import CALM, FIRE, REPEATING
from tests.battery.chaos.world import set_up

SEED = 2026
CALM_PROVIDERS = {"ordinary": 12, "late": 6}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.battery.chaos", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--orders", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--long", action="store_true", help="fire: as much trouble as belongs to a long run")
    parser.add_argument("--variant", choices=["heard", "dropped", "tripled"], default="heard")
    parser.add_argument("--day", choices=sorted(CALM_PROVIDERS), default="ordinary", help="calm: which providers")
    options = parser.parse_args()
    # Told to end, everything that was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(124))
    report = Report(options.part, options.seed)
    PARTS[options.part](report, options)
    report.finish(options.json)
    return 0


# Models can be loaded once a world is set up, so each part is loaded inside of it.


def fire(report: Report, options: argparse.Namespace) -> None:
    with set_up(FIRE, providers=4) as world:
        from tests.battery.chaos import fire

        fire.run(world, report, fire.size_of(options.orders or 3000, is_long=options.long))


def calm(report: Report, options: argparse.Namespace) -> None:
    with set_up(CALM, providers=CALM_PROVIDERS[options.day], seconds=4) as world:
        from tests.battery.chaos import calm

        calm.run(world, report, day=options.day, seconds=options.seconds or 60)


def doorbells(report: Report, options: argparse.Namespace) -> None:
    with set_up({**FIRE, "FAILED_GRACE_SECONDS": "2"}, providers=4) as world:
        from tests.battery.chaos import doorbells

        doorbells.run(world, report, variant=options.variant, orders=options.orders or 300)


def restoring(report: Report, options: argparse.Namespace) -> None:
    with set_up(FIRE, providers=2) as world:
        from tests.battery.chaos import restoring

        restoring.run(world, report, orders=options.orders or 200)


def repeating(report: Report, options: argparse.Namespace) -> None:
    with set_up(REPEATING, providers=3) as world:
        from tests.battery.chaos import repeating

        repeating.run(world, report, orders=options.orders or 180)


PARTS = {"fire": fire, "calm": calm, "doorbells": doorbells, "restoring": restoring, "repeating": repeating}

if __name__ == "__main__":
    sys.exit(main())
