"""Clocks and chance are read at a few doors only: elsewhere a test could not turn the one, nor repeat the other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "notices", "upstream", "accounts", "catalog", "billing", "orders", "api", "storefront")
_READS = re.compile(
    r"\b(datetime\.(now|utcnow|today)\(|date\.today\(|time\.(time|monotonic|perf_counter|clock_gettime)\(|timezone\.now\b"
    r"|\brandom\.\w+\(|import random|from random|\buuid4\b|\bauto_now(_add)?\b|localdate\(\))"
)
#: Each door, and why what it reads decides nothing about an order or its money.
DOORS = {
    "core/clock.py": "the door itself",
    "upstream/deadline.py": "measures one call, inside one process",
    "orders/templatetags/order_words.py": "words on a page",
    "orders/templatetags/order_rows.py": "the same",
    "core/moments.py": "the same",
    "orders/forwarding/permits.py": "the token of an attempt: unlike any other is all it has to be",
    "orders/thawing/doubts.py": "the same",
    "orders/models/frozen.py": "the name of a shop",
    "orders/freezing.py": "the same",
    "orders/pages/views.py": "the nonce of a form",
    "billing/topups/forms.py": "the same",
    "billing/gateways/signed/gateway.py": "the nonce of a signed question, and the reference of a test",
    "orders/admin/request_tests.py": "the same",
    "storefront/middleware.py": "the name of a request in logs",
    "core/counters.py": "when a counter of tries ends, on one machine",
}
#: Programs that are not the shop: a demo, and processes that a developer's machine starts for itself.
_BESIDE = ("storefront/demo/", "storefront/embedded/", "upstream/simulator/")


def _files() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    inside = [path for path in found if "migrations" not in path.parts]
    return [path for path in inside if not str(path.relative_to(ROOT)).startswith(_BESIDE)]


def _code(path: Path) -> str:
    return "\n".join(line.partition("#")[0] for line in path.read_text().splitlines())


def test_clocks_and_chance_are_read_at_the_doors_only() -> None:
    files = _files()
    assert len(files) > 200
    reading = {str(path.relative_to(ROOT)) for path in files if _READS.search(_code(path))}
    assert reading - DOORS.keys() == set()


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_still_one(door: str) -> None:
    assert _READS.search(_code(ROOT / door)), "take it off the list"
