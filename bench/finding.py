"""Pages of the price list and searches in it, as a visitor's browser requests them, without a network.

Pages are whole; a search is the list alone, which htmx requests while somebody types. The floor of each is one bare
statement for 50 rows.
"""

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from statistics import median
from typing import Any

from bench.harness import Figure, cpu_of, seconds
from bench.stage import Stage

_CALLS = 200
#: Milliseconds that 95 of 100 pages may take, and a search in the middle; kilobytes of a compressed page.
_LIST_GOAL, _SEARCH_GOAL, _SIZE_GOAL = 50, 30, 100
_PAGES = ["/", "/?page=2", "/?page=7", "/?sort=price", "/?sort=price&page=40", "/?platform=instagram", "/?refill=1"]
_TYPED = ["likes", "instagram", "instagram likes", "tiktok followers refill", "youtube", "views", "cheap", "#63", "200",
          "telegram members", "FOLLOWERS insta", "ｌｉｋｅｓ", "a", "real hq", "лайки", "متابعين"]  # fmt: skip
_MISTYPED = ["instagarm", "folowers", "tiktko folowers", "yuotube veiws", "telegramm members", "instgram liks refil",
             "facebok", "spotfy plays", "subscribrs", "коментарии", "инстаграмм"]  # fmt: skip
_NOTHING = ["qqqqqqqq", "zzzz likes", "xkcdwhat", "#999999999", "фывапролдж"]


def figures(stage: Stage, *, services: int, repeats: int) -> Iterator[Figure]:
    """Uses the services that :mod:`bench.pricing` has made."""
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["localhost"]
    visitor = Client(SERVER_NAME="localhost")
    connection = stage.connect("shop")
    connection.autocommit = True

    def page(address: str, **headers: str) -> bytes:
        answer = visitor.get(address, headers={"Accept-Encoding": "gzip", **headers})
        assert answer.status_code == 200
        body: bytes = answer.content
        return body

    def found(text: str) -> bytes:
        return page("/?q=" + text.replace("#", "%23").replace(" ", "+"), **{"HX-Request": "true"})

    def bare() -> None:
        connection.execute("SELECT * FROM catalog_service ORDER BY position, id LIMIT 50").fetchall()

    figure = Figure(f"the price list of {services:,} services, 95th of 100 pages", "s")
    sizes = [len(body if body[:2] == b"\x1f\x8b" else gzip.compress(body)) for body in map(page, _PAGES)]
    figure.notes = {"goal, ms": _LIST_GOAL, "kB, compressed": f"{max(sizes) / 1000:.0f}, goal {_SIZE_GOAL}"}
    yield _taken(figure, page, _PAGES, bare, repeats)
    for name, texts in (("as it stands", _TYPED), ("mistyped", _MISTYPED), ("without a match", _NOTHING)):
        figure = Figure(f"search of {services:,} services, {name}, 95th of 100", "s")
        figure.notes = {"goal, ms": _SEARCH_GOAL}
        yield _taken(figure, found, texts, bare, repeats)


def _taken(
    figure: Figure, ask: Callable[[str], Any], texts: list[str], bare: Callable[[], None], repeats: int
) -> Figure:
    """The 95th of 100 durations of each run. On a busy machine the CPU time of this process says more."""
    for text in texts:
        ask(text)
    each: dict[str, list[float]] = {text: [] for text in texts}
    spent: list[float] = []
    for _n in range(repeats):
        run = []
        for text in islice(cycle(texts), _CALLS):
            with cpu_of(spent):
                run.append(seconds(partial(ask, text)))
            each[text].append(run[-1])
        figure.ours.append(sorted(run)[int(_CALLS * 0.95)])
        figure.floor.append(median(seconds(bare) for _call in range(20)))
    slowest = max(texts, key=lambda text: median(each[text]))
    figure.notes["median, ms"] = round(median(took for run in each.values() for took in run) * 1000, 1)
    figure.notes["CPU of this process, median, ms"] = round(median(spent) * 1000, 1)
    figure.notes["slowest, ms"] = f"{slowest} {median(each[slowest]) * 1000:.1f}"
    return figure
