"""A page of the admin's list of services, compared with a query for the rows on it."""

from collections.abc import Iterator

from bench.harness import Figure, seconds, take
from bench.stage import Stage

#: The rows of the page, in its order.
_BARE = """
    SELECT s.id, s.name, s.price, s.own_price, s.position, s.is_visible, p.rate, c.name
    FROM catalog_service AS s JOIN catalog_providerservice AS p ON p.id = s.source_id
    JOIN catalog_category AS c ON c.id = s.category_id ORDER BY c.position, s.position, s.id LIMIT 50
"""


def figures(stage: Stage, *, services: int, repeats: int) -> Iterator[Figure]:
    """Uses the services that :mod:`bench.pricing` has made."""
    from django.test import Client
    from django.urls import reverse

    from accounts.models import User

    owner, _is_new = User.objects.get_or_create(email="owner@example.com", is_staff=True, is_superuser=True)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(owner)
    url = reverse("admin:catalog_service_changelist")
    connection = stage.connect("shop")
    connection.autocommit = True

    def page() -> float:
        shown: list[bytes] = []
        took = seconds(lambda: shown.append(browser.get(url).content))
        assert b"result_list" in shown[0]
        return took

    def rows() -> None:
        connection.execute("SELECT count(*) FROM catalog_service").fetchall()
        connection.execute(_BARE).fetchall()

    figure = Figure(f"a page of the owner's list of {services:,} services", "s")
    yield take(figure, page, lambda: seconds(rows), repeats=repeats)
