"""A key's daily limit: counted by the statement that places, so that it holds however many orders come at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.expressions import RawSQL
from django.test import Client

from accounts.models import ApiKey, ApiKeyUse, User
from billing.models import Hold, Transfer
from billing.queries import balance_of
from catalog.models import Service
from core.clock import database_now
from orders.models import Order
from tests.api.cast import Panel, key_for, row_of
from tests.battery.shop_time import turned_clock
from tests.pages.cast import Orders
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = {"error": "Not enough funds: the daily limit of this API key is reached"}
AT_ONCE = 50


@pytest.fixture
def fields(services: list[Service]) -> dict[str, Any]:
    """An order that costs 1.859."""
    return {"service": services[0].pk, "link": "https://instagram.com/atelier.nord", "quantity": "1000"}


@pytest.fixture
def limit(api: Panel) -> Callable[[str | None], None]:
    def set_limit(amount: str | None) -> None:
        ApiKey.objects.filter(pk=row_of(api.key).pk).update(daily_limit=amount and Decimal(amount))

    return set_limit


def used(panel: Panel) -> list[tuple[int, Decimal]]:
    """Orders and money of each day, the newest first."""
    return list(ApiKeyUse.objects.filter(key=row_of(panel.key)).values_list("orders", "spent"))


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_an_order_names_its_key_and_is_counted(api: Panel, orders: Orders, fields: dict[str, Any]) -> None:
    first, second = api("add", **fields)["order"], api("add", **fields)["order"]
    key = row_of(api.key)
    assert {o.api_key_id for o in Order.objects.filter(pk__in=[first, second])} == {key.pk}
    assert used(api) == [(2, Decimal("3.718"))]
    assert orders.queued().api_key_id is None
    assert used(api) == [(2, Decimal("3.718"))]


def test_what_would_pass_the_limit_is_refused_and_leaves_nothing(
    api: Panel, alice: User, fields: dict[str, Any], limit: Callable[[str | None], None]
) -> None:
    limit("3.718")
    assert "order" in api("add", **fields)
    assert "order" in api("add", **fields)  # exactly the limit
    before = balance_of(alice)
    assert api("add", **fields) == REFUSED
    assert api("add", request_id="named", **fields) == REFUSED
    assert balance_of(alice) == before
    assert Order.objects.count() == Hold.objects.count() == 2
    assert used(api) == [(2, Decimal("3.718"))]

    limit("5.577")
    placed = api("add", request_id="named", **fields)
    assert "order" in placed
    assert api("add", request_id="named", **fields) == placed
    assert used(api) == [(3, Decimal("5.577"))]
    limit("1")
    assert api("add", **fields) == REFUSED
    limit(None)
    assert "order" in api("add", **fields)


def test_the_first_order_of_a_day_may_pass_the_limit_no_more_than_another(
    api: Panel, fields: dict[str, Any], limit: Callable[[str | None], None]
) -> None:
    limit("1.85")
    assert api("add", **fields) == REFUSED
    assert used(api) == []
    assert not Order.objects.exists()


@pytest.mark.parametrize("is_known", [False, True])
def test_fifty_orders_at_once_never_pass_the_limit(
    api: Panel, alice: User, fields: dict[str, Any], limit: Callable[[str | None], None], is_known: bool
) -> None:
    """``is_known``: the caller is a recent one, whose orders are placed from memory."""
    if is_known:
        api("add", **fields)
    limit("18.59")
    panels = [Panel(api.key) for _n in range(AT_ONCE)]
    answers = all_at_once([lambda p=panel: p("add", **fields) for panel in panels])  # type: ignore[misc]
    assert Order.objects.count() == Hold.objects.count() == Transfer.objects.filter(code="hold").count() == 10
    assert [answer for answer in answers if "order" not in answer] == [REFUSED] * (AT_ONCE - 10 + is_known)
    assert used(api) == [(10, Decimal("18.59"))]
    assert balance_of(alice) == 100 - Decimal("18.59")


def test_keys_of_one_customer_have_limits_of_their_own(
    api: Panel, alice: User, fields: dict[str, Any], limit: Callable[[str | None], None]
) -> None:
    limit("1.859")
    other = Panel(key_for(alice))
    assert "order" in api("add", **fields)
    assert api("add", **fields) == REFUSED
    assert "order" in other("add", **fields)


def test_what_was_canceled_still_counts(
    api: Panel, alice: User, fields: dict[str, Any], limit: Callable[[str | None], None]
) -> None:
    limit("1.859")
    number = api("add", **fields)["order"]
    assert api("cancel", orders=number) == [{"order": number, "cancel": 1}]
    assert balance_of(alice) == 100
    assert api("add", **fields) == REFUSED


def test_the_limit_begins_anew_at_midnight_of_the_shop(
    api: Panel, fields: dict[str, Any], limit: Callable[[str | None], None], settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    limit("1.859")
    with turned_clock() as clock, connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM date_trunc('day', statement_timestamp(), 'Asia/Tokyo') + interval '1 day'"
            " - statement_timestamp())"
        )
        left = float(cursor.fetchone()[0])
        clock.advance(left - 60 if left > 60 else left + 86_340)
        assert "order" in api("add", **fields)
        assert api("add", **fields) == REFUSED
        clock.advance(120)
        assert "order" in api("add", **fields)
        assert api("add", **fields) == REFUSED
    first, second = ApiKeyUse.objects.values_list("day", flat=True).order_by("day")
    assert (second - first).days == 1


def test_the_owner_of_a_key_sets_its_limit_and_reads_its_use(
    api: Panel, alice: User, bob: User, fields: dict[str, Any], client: Client
) -> None:
    key = row_of(api.key)
    path = f"/account/api-keys/{key.pk}/"
    sign_in_customer(alice, client)
    empty = client.get(path)
    assert "No orders yet" in empty.content.decode()
    assert "no-store" in empty["Cache-Control"]
    assert client.post(path, {"daily_limit": "3.718"}, follow=True).redirect_chain == [(path, 302)]
    api("add", **fields)
    api("add", **fields)
    assert api("add", **fields) == REFUSED
    today = database_now().date()
    ApiKeyUse.objects.create(key=key, day=today - timedelta(days=29), orders=7, spent=Decimal("0.5"))
    ApiKeyUse.objects.create(key=key, day=today - timedelta(days=30), orders=9, spent=Decimal("99"))
    page = client.get(path)
    use = page.context["use"]
    assert (use.orders_today, use.spent_today, use.orders, use.spent) == (2, Decimal("3.718"), 9, Decimal("4.218"))
    assert f"{today - timedelta(days=29):%Y-%m-%d}" in page.content.decode()
    assert "up to" in client.get("/account/api-keys/").content.decode()

    for wrong in ("0", "-1", "x", "1e99", "NaN", "0.001", "1.234567"):
        refused = client.post(path, {"daily_limit": wrong})
        assert refused.context["form"].errors, wrong
        assert f'value="{wrong}"' in refused.content.decode()
    assert row_of(api.key).daily_limit == Decimal("3.718")
    client.post(path, {"daily_limit": ""})
    assert row_of(api.key).daily_limit is None
    assert "order" in api("add", **fields)

    other = sign_in_customer(bob)
    assert other.get(path).status_code == other.post(path, {"daily_limit": "1"}).status_code == 404
    assert Client().post(path, {"daily_limit": "1"}).status_code == 302
    assert row_of(api.key).daily_limit is None
    assert client.get(f"/account/api-keys/{10**30}/").status_code == 404
    client.post(f"{path}revoke/")
    assert client.get(path).status_code == 404


def test_a_borrowed_session_raises_no_limit(api: Panel, alice: User, limit: Callable[[str | None], None]) -> None:
    limit("1")
    borrowed = sign_in_customer(alice, confirmed=False)
    asked = borrowed.post(f"/account/api-keys/{row_of(api.key).pk}/", {"daily_limit": "1000"})
    assert "reauthenticate" in asked["Location"]
    assert row_of(api.key).daily_limit == 1


def test_a_new_key_begins_with_a_limit(client: Client, alice: User) -> None:
    sign_in_customer(alice, client)
    client.post("/account/api-keys/", {"name": "bot", "may": "both", "daily_limit": "20.5"})
    assert ApiKey.objects.get().daily_limit == Decimal("20.5")


@pytest.mark.parametrize(
    ("constraint", "row"),
    [
        ("api_key_within_daily_limit", {"spent": "2.00001", "most": "2"}),
        ("api_key_within_daily_limit", {"spent": "1", "most": "-1"}),
        ("api_key_use_sane", {"orders": 0}),
        ("api_key_use_sane", {"spent": "0"}),
        ("api_key_use_sane", {"spent": "NaN"}),
    ],
)
def test_the_database_refuses_a_bad_count(api: Panel, constraint: str, row: dict[str, Any]) -> None:
    good: dict[str, Any] = {"key": row_of(api.key), "day": database_now().date(), "orders": 1, "spent": Decimal(1)}
    with pytest.raises(IntegrityError, match=constraint):
        ApiKeyUse.objects.create(**good | {k: _number(v) for k, v in row.items()})


def _number(value: Any) -> Any:
    """An expression, as Django itself refuses what Postgres takes for the largest number."""
    return RawSQL("%s::numeric", [value]) if isinstance(value, str) else value


@pytest.mark.parametrize("amount", ["0", "-1", "NaN"])
def test_the_database_refuses_a_senseless_limit(api: Panel, amount: str) -> None:
    with pytest.raises(IntegrityError, match="api_key_daily_limit_sane"), transaction.atomic():
        ApiKey.objects.update(daily_limit=_number(amount))


def test_a_day_is_one_row_and_a_key_that_was_used_stays(api: Panel, fields: dict[str, Any]) -> None:
    api("add", **fields)
    day = ApiKeyUse.objects.get()
    with pytest.raises(IntegrityError, match="api_key_use_once_a_day"), transaction.atomic():
        ApiKeyUse.objects.create(key_id=day.key_id, day=day.day, orders=1, spent=Decimal(1))
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_apikey")
