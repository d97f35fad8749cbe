"""`make bench`, or `python -m bench [--only PART ...] [--repeats 5] [--json]`. Nothing has to run first."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import buying, finding, following, forwarding, growth, listing, mass, placing, pricing, reading, syncing
from bench.growth import Growth
from bench.harness import Figure
from bench.stage import Stage, set_stage
from storefront.embedded.errors import EmbeddedError

PARTS = ("sync", "price", "buy", "place", "mass", "forwarding", "following", "read", "growth")
RESULTS = Path(__file__).parent / "results"


def _figures(stage: Stage, options: argparse.Namespace) -> Iterator[Figure | Growth]:
    if "sync" in options.only:
        yield from syncing.figures(stage, services=options.services, repeats=options.repeats)
    if "price" in options.only:
        yield from pricing.figures(stage, services=options.services, repeats=options.repeats)
        yield from listing.figures(stage, services=options.services, repeats=options.repeats)
        yield from finding.figures(stage, services=options.services, repeats=options.repeats)
    if "buy" in options.only:
        yield from buying.figures(stage, length=options.seconds, repeats=options.repeats)
    if "place" in options.only:
        yield from placing.figures(stage, length=options.seconds, repeats=options.repeats)
    if "mass" in options.only:
        yield from mass.figures(stage, repeats=options.repeats)
    if "forwarding" in options.only:
        yield from forwarding.figures(stage, orders=max(1, options.orders // 10), repeats=options.repeats)
    if "following" in options.only:
        yield from following.figures(orders=options.orders, repeats=options.repeats)
    if "read" in options.only:
        # Late, because a million orders stay in the table.
        yield from reading.figures(stage, repeats=options.repeats)
    if "growth" in options.only:
        yield from growth.figures(stage, orders=options.finished, repeats=options.repeats, named=options.named)


def main() -> int:
    # 1. Options.
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the shop against bare floors.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure some groups of figures")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side; the median counts (5)")
    parser.add_argument("--services", type=int, default=10_000, help="length of the price list (10000)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one run of placing orders (5)")
    parser.add_argument("--orders", type=int, default=10_000, help="orders to follow; a tenth of them is sent (10000)")
    parser.add_argument("--finished", type=int, default=growth.LARGE, help="finished orders of a grown shop (1000000)")
    parser.add_argument("--named", default="", help="of the figures of growth, those with these words in their name")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result file of each run")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of text")
    options = parser.parse_args()

    # 2. Figures, each printed as soon as it is there.
    try:
        with set_stage() as stage:
            facts, figures = stage.facts(), []
            if not options.json:
                print(", ".join(f"{name} {value}" for name, value in facts.items()))
            for figure in _figures(stage, options):
                figures.append(figure.as_facts())
                if not options.json:
                    print(figure.as_line(), flush=True)
    except EmbeddedError as problem:
        print(problem, file=sys.stderr)
        return 1

    # 3. The result file.
    options.results.mkdir(exist_ok=True)
    ended = datetime.now(UTC)
    result = {"at": ended.isoformat(timespec="seconds"), "stage": facts, "figures": figures}
    text = json.dumps(result, indent=2)
    (options.results / f"{ended:%Y%m%dT%H%M%SZ}.json").write_text(text + "\n")
    if options.json:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
