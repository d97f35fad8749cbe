"""A page of the owner's list of services, beside asking for nothing but the rows on it."""

from collections.abc import Callable, Iterator

from bench.harness import Figure, seconds, take
from bench.stage import Stage

#: What the page shows and how it is ordered, without the page.
_BARE = """
    SELECT s.id, s.name, s.price, s.own_price, s.position, s.is_visible, p.rate, c.name
    FROM catalog_service AS s JOIN catalog_providerservice AS p ON p.id = s.source_id
    JOIN catalog_category AS c ON c.id = s.category_id ORDER BY c.position, s.position, s.id LIMIT 50
"""


def figures(stage: Stage, *, services: int, repeats: int) -> Iterator[Figure]:
    """The services of :mod:`bench.pricing` stand there already."""
    figure = Figure(f"a page of the owner's list of {services:,} services", "s")
    yield take(figure, _page(), _rows(stage), repeats=repeats)


def _page() -> Callable[[], float]:
    from django.test import Client
    from django.urls import reverse

    from accounts.models import User

    owner, _is_new = User.objects.get_or_create(email="owner@example.com", is_staff=True, is_superuser=True)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(owner)
    address = reverse("admin:catalog_service_changelist")

    def run() -> float:
        shown: list[bytes] = []
        took = seconds(lambda: shown.append(browser.get(address).content))
        assert b"result_list" in shown[0]
        return took

    return run


def _rows(stage: Stage) -> Callable[[], float]:
    connection = stage.connect("shop")
    connection.autocommit = True

    def ask() -> None:
        connection.execute("SELECT count(*) FROM catalog_service").fetchall()
        connection.execute(_BARE).fetchall()

    return lambda: seconds(ask)
