"""Every action in the shapes of panel API v2, as a client that was written for another panel sends and reads it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.queries import balance_of
from catalog.models import ProviderService, Service
from core.clock import database_now
from orders.checkout.placement import place_order
from orders.models import ChildOrder, Order, Refill
from orders.states import Forward, Progress, RefillState
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders

pytestmark = pytest.mark.django_db

LINK = "https://instagram.com/atelier.nord"
X = "https://x.com/atelier_nord/status/1712345678901234567"
TIKTOK = "https://www.tiktok.com/@atelier.nord"


def test_services_are_listed_in_the_documented_shape(api: Panel, services: list[Service]) -> None:
    listed = {row["service"]: row for row in api("services")}
    assert listed[services[5].pk] == {
        "service": services[5].pk,
        "name": "TikTok Followers · older profiles",
        "type": "Default",
        "category": "TikTok · Followers",
        "rate": "4.498",
        "min": "100",
        "max": "20000",
        "desc": "The profile must be public.<br>Do not change its name while the order is running.",
        "refill": True,
        "cancel": False,
    }
    assert listed[services[4].pk]["type"] == "Custom Comments"
    assert listed[services[9].pk]["rate"] == "31.20"


def test_the_path_may_end_with_a_slash_and_the_body_may_be_json(
    alice: User, api: Panel, services: list[Service]
) -> None:
    assert Panel(key_for(alice), path="/api/v2/")("balance") == {"balance": "100.00000", "currency": "USD"}
    assert api.json("balance") == {"balance": "100.00000", "currency": "USD"}
    placed = api.json("add", service=services[0].pk, link=LINK, quantity=1000)
    assert api.json("status", orders=[placed["order"], 0])["0"] == {"error": "Incorrect order ID"}


def test_add_reserves_the_callers_price_and_answers_a_number(api: Panel, alice: User, services: list[Service]) -> None:
    before = balance_of(alice)
    answer = api("add", service=services[0].pk, link=LINK, quantity="1000")
    order = Order.objects.get()
    assert answer == {"order": order.pk}
    assert (order.source, order.link, order.quantity, order.customer) == ("api", LINK, 1000, alice)
    assert balance_of(alice) == before - Decimal("1.859")


@pytest.mark.parametrize(
    ("index", "fields", "total"),
    [
        (4, {"comments": "nice\nwell done\r\n\r\nso good"}, 3),
        (4, {"comments": "nice\nwell done", "quantity": "900"}, 2),
        (9, {}, 1),
        (9, {"quantity": "1", "runs": "", "interval": ""}, 1),
        (10, {"quantity": "20", "answer_number": "2"}, 20),
        (0, {"quantity": "100", "runs": "0", "interval": "0"}, 100),
    ],
)
def test_every_type_takes_its_own_fields(
    api: Panel, services: list[Service], index: int, fields: dict[str, str], total: int
) -> None:
    answer = api("add", service=services[index].pk, link=X if index == 10 else LINK, **fields)
    assert Order.objects.get(pk=answer["order"]).total == total


def test_a_list_may_come_as_php_sends_it(api: Panel, orders: Orders, services: list[Service]) -> None:
    one, two = orders.queued(), orders.queued()
    assert set(api("status", **{"orders[0]": one.pk, "orders[1]": two.pk})) == {str(one.pk), str(two.pk)}
    placed = api("add", service=services[4].pk, link=LINK, **{"comments[]": ["nice", "well done"]})
    assert Order.objects.get(pk=placed["order"]).fields["comments"] == "nice\nwell done"


@pytest.mark.parametrize(
    ("index", "fields", "error"),
    [
        (0, {"service": "999999", "link": LINK, "quantity": "100"}, "Incorrect service ID"),
        (0, {"service": "x", "link": LINK, "quantity": "100"}, "Incorrect service ID"),
        (0, {"service": "", "link": LINK, "quantity": "100"}, "Incorrect service ID"),
        (0, {"link": "", "quantity": "100"}, "Incorrect link"),
        (0, {"link": "two words", "quantity": "100"}, "Incorrect link"),
        (0, {"link": LINK, "quantity": "99"}, "Quantity less than minimal 100"),
        (0, {"link": LINK, "quantity": "50001"}, "Quantity more than maximum 50000"),
        (0, {"link": LINK, "quantity": "1,000"}, "Incorrect quantity"),
        (0, {"link": LINK, "quantity": "-100"}, "Incorrect quantity"),
        (0, {"link": LINK}, "Incorrect quantity"),
        (0, {"link": LINK, "quantity": "0"}, "Incorrect quantity"),
        (0, {"link": LINK, "quantity": "9" * 5000}, "Incorrect quantity"),
        (4, {"link": LINK}, "comments is required"),
        (4, {"link": LINK, "comments": "\n".join("x" * 1001)}, "Quantity more than maximum 1000"),
        (10, {"link": X, "quantity": "20"}, "answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "2" * 3000}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "-1"}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "NaN"}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "0"}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "101"}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "\u0663"}, "A valid answer_number is required"),
        (10, {"link": X, "quantity": "20", "answer_number": "1", "runs": "3", "interval": "5"},
         "Dripfeed is not available for this service"),
        (9, {"link": LINK, "quantity": "1", "service": "\x00"}, "Incorrect service ID"),
        (0, {"link": LINK, "quantity": "50000"}, "Not enough funds on balance"),
    ],
)  # fmt: skip
def test_a_refused_order_says_why_in_known_words_and_changes_nothing(
    api: Panel, alice: User, services: list[Service], index: int, fields: dict[str, str], error: str
) -> None:
    if error.startswith("Not enough"):
        fields = {**fields, "service": str(services[5].pk), "quantity": "20000", "link": TIKTOK}
        alice.wallet.balance  # noqa: B018 - there is one
        api("add", service=services[5].pk, link=TIKTOK, quantity="20000")
    before, placed = balance_of(alice), Order.objects.count()
    assert api("add", **{"service": services[index].pk, **fields}) == {"error": error}
    assert (balance_of(alice), Order.objects.count()) == (before, placed)


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/p/1\nhttps://example.com/p/2",
        "https://example.com/p/1\thttps://example.com/p/2",
        "https://",
        "https://https://example.com/p/1",
        "ftp://example.com/",
        "http://127.0.0.1/",
        "https://www.instagram.com/",
    ],
)
def test_what_is_no_link_is_refused_in_the_known_words(api: Panel, services: list[Service], link: str) -> None:
    assert api("add", service=services[0].pk, link=link, quantity="100") == {"error": "Incorrect link"}
    assert not Order.objects.exists()


def test_a_link_of_another_platform_is_refused_with_the_reason(api: Panel, services: list[Service]) -> None:
    said = api("add", service=services[0].pk, link=TIKTOK, quantity="100")["error"]
    assert said == (
        "Incorrect link: This is an address of TikTok, and the service is for Instagram. Paste one of Instagram."
    )
    assert not Order.objects.exists()


def test_a_link_is_sent_without_the_marks_around_it(api: Panel, services: list[Service]) -> None:
    placed = api("add", service=services[0].pk, link="\u200f<https://instagram.com/Nord>\r\n", quantity="١٠٠")
    order = Order.objects.get(pk=placed["order"])
    assert (order.link, order.link_key, order.quantity) == ("https://instagram.com/Nord", "instagram.com/nord", 100)


def test_each_state_has_its_word_and_the_charge_that_stands(api: Panel, orders: Orders) -> None:
    def says(order: Order) -> tuple[str, str, str, str]:
        said = api("status", order=order.pk)
        assert set(said) == {"charge", "start_count", "status", "remains", "currency"}
        assert said["currency"] == "USD"
        return said["status"], said["charge"], said["remains"], said["start_count"]

    assert says(orders.queued()) == ("Pending", "1.85900", "1000", "0")
    assert says(orders.sending()) == ("Pending", "1.85900", "1000", "0")
    assert says(orders.in_doubt()) == ("Processing", "1.85900", "1000", "0")
    assert says(orders.placed()) == ("Pending", "1.85900", "1000", "0")
    assert says(orders.running(remains=940)) == ("In progress", "1.85900", "940", "12480")
    assert says(orders.completed()) == ("Completed", "1.85900", "0", "12480")
    assert says(orders.partial(remains=157)) == ("Partial", "1.56714", "157", "12480")
    assert says(orders.canceled()) == ("Canceled", "0.00000", "1000", "12480")
    assert says(orders.refused()) == ("Canceled", "0.00000", "1000", "0")


def test_an_end_whose_money_is_not_decided_is_not_told_yet(api: Panel, orders: Orders) -> None:
    order = orders.running(remains=250)
    Order.objects.filter(pk=order.pk).update(progress=Progress.CANCELED, needs_review="canceled after a part")
    assert api("status", order=order.pk)["status"] == "In progress"
    Order.objects.filter(pk=order.pk).update(needs_review="", refunded=Decimal("0.46475"), remains=0)
    said = api("status", order=order.pk)
    assert (said["status"], said["charge"], said["remains"]) == ("Partial", "1.39425", "250")


def test_a_drip_feed_says_how_many_runs_are_done(api: Panel, orders: Orders) -> None:
    """Panels refund their customer for the runs that are missing, and all of it where the field is."""
    ProviderService.objects.update(dripfeed=True)
    order = orders.placed(quantity=100, runs="2", interval="10")
    assert api("status", order=order.pk)["runs"] == 0
    Order.objects.filter(pk=order.pk).update(progress=Progress.IN_PROGRESS, remains=100)
    assert api("status", order=order.pk)["runs"] == 1
    Order.objects.filter(pk=order.pk).update(progress=Progress.PARTIAL, remains=80, refunded=Decimal("0.1"))
    said = api("status", order=order.pk)
    assert (said["status"], said["remains"], said["runs"]) == ("Partial", "80", 1)
    Order.objects.filter(pk=order.pk).update(progress=Progress.COMPLETED, remains=0, refunded=0)
    assert api("status", orders=str(order.pk))[str(order.pk)]["runs"] == 2


def test_a_subscription_says_how_many_posts_were_served(api: Panel, alice: User, services: list[Service]) -> None:
    service = services[0]
    ProviderService.objects.filter(pk=service.source_id).update(type="subscriptions")
    fields = {"username": "bob", "posts": "5", "min": "100", "max": "100", "delay": "0", "expiry": "2030-12-31"}
    order = place_order(customer=alice, service_id=service.pk, fields=fields, now=database_now()).order
    said = api("status", order=order.pk)
    assert (said["posts"], said["expiry"]) == (0, "31/12/2030")
    for number, progress in enumerate((Progress.COMPLETED, Progress.IN_PROGRESS, Progress.CANCELED)):
        ChildOrder.objects.create(
            parent=order, provider=order.provider, upstream_id=f"child{number}", progress=progress, quantity=100
        )
    said = api("status", orders=str(order.pk))[str(order.pk)]
    assert (said["posts"], said["expiry"]) == (2, "31/12/2030")
    assert "runs" not in said


def test_a_key_may_want_smartpanels_words_about_subscriptions(
    api: Panel, alice: User, services: list[Service], orders: Orders
) -> None:
    """A panel of that family never asks again after another word than Active, and refunds by `posts` at Expired."""
    other = Panel(key_for(alice, status_words="smartpanel"))
    ProviderService.objects.filter(pk=services[1].source_id).update(type="subscriptions")
    fields = {"username": "bob", "posts": "5", "min": "100", "max": "100", "delay": "0"}
    made = Orders(alice, services[1])

    def words(order: Order) -> tuple[str, str]:
        number = str(order.pk)
        said = other("status", order=number)
        assert other("status", orders=number)[number] == said
        return api("status", order=number)["status"], said["status"]

    assert words(made.queued(**fields)) == ("Pending", "Active")
    assert words(made.in_doubt(**fields)) == ("Processing", "Active")
    order = made.placed(**fields)
    rows = Order.objects.filter(pk=order.pk)
    for progress in (Progress.PENDING, Progress.ACTIVE, Progress.PAUSED, Progress.FAILED):
        rows.update(progress=progress)
        assert words(order)[1] == "Active", progress
    rows.update(progress=Progress.EXPIRED)
    assert words(order) == ("Completed", "Completed")
    paid = (order.charge * 2 / 5).quantize(Decimal("0.00001"), ROUND_UP)
    rows.update(refunded=order.charge - paid)
    assert words(order) == ("Partial", "Expired")
    # No provider named any post, and the charge pays for two.
    assert other("status", order=order.pk)["posts"] == 2
    rows.update(refunded=order.charge)
    assert words(order) == ("Canceled", "Canceled")
    plain = orders.placed()
    Order.objects.filter(pk=plain.pk).update(progress=Progress.IN_PROGRESS, remains=10)
    assert other("status", order=plain.pk) == api("status", order=plain.pk)


def test_status_of_many_keeps_errors_inside(api: Panel, orders: Orders, bob: User, services: list[Service]) -> None:
    mine, done = orders.queued(), orders.completed()
    his = Orders(bob, services[0]).queued()
    said = api("status", orders=f"{mine.pk}, {done.pk},{his.pk},0{mine.pk},nonsense,,{'9' * 40}")
    assert list(said) == [str(mine.pk), str(done.pk), str(his.pk), "nonsense", "9" * 40]
    assert said[str(done.pk)]["status"] == "Completed"
    wrong = {"error": "Incorrect order ID"}
    assert (said[str(his.pk)], said["nonsense"], said["9" * 40]) == (wrong, wrong, wrong)
    assert api("status", order=his.pk) == wrong
    assert api("status") == {"error": "Incorrect request"}


def test_status_of_a_hundred_takes_two_queries(api: Panel, orders: Orders) -> None:
    first = orders.queued().pk
    numbers = ",".join(str(first + n) for n in range(100))
    api("balance")  # notes the use of the key for this minute
    with CaptureQueriesContext(connection) as asked:
        assert len(api("status", orders=numbers)) == 100
    assert len(asked) == 2
    assert api("status", orders=f"{numbers},1") == {"error": "Maximum 100 orders"}
    assert api("status", order=f"{numbers},1") == {"error": "Maximum 100 orders"}


def test_refills_are_asked_for_and_followed(api: Panel, orders: Orders, bob: User) -> None:
    done, running, more = orders.completed(), orders.running(remains=5), orders.completed()
    answer = api("refill", order=done.pk)
    refill = Refill.objects.get()
    assert answer == {"refill": str(refill.pk)}
    not_eligible = {"error": "Order is not eligible for refill"}
    assert api("refill", order=done.pk) == not_eligible
    assert api("refill", order=running.pk) == not_eligible
    assert Panel(key_for(bob))("refill", order=more.pk) == {"error": "Incorrect order ID"}
    batch = api("refill", orders=f"{more.pk},{done.pk},7777777")
    assert batch == [
        {"order": more.pk, "refill": Refill.objects.get(order=more).pk},
        {"order": done.pk, "refill": not_eligible},
        {"order": 7777777, "refill": {"error": "Incorrect order ID"}},
    ]
    assert api("refill_status", refill=refill.pk) == {"status": "Pending"}
    Refill.objects.filter(pk=refill.pk).update(state=RefillState.COMPLETED)
    assert api("refill_status", refill=refill.pk) == {"status": "Completed"}
    assert api("refill_status", refills=f"{refill.pk},999999") == [
        {"refill": refill.pk, "status": "Completed"},
        {"refill": 999999, "status": {"error": "Refill not found"}},
    ]
    assert Panel(key_for(bob))("refill_status", refill=refill.pk) == {"error": "Refill not found"}


def test_cancel_answers_item_by_item(api: Panel, orders: Orders, alice: User) -> None:
    before = balance_of(alice)
    waiting, done = orders.queued(), orders.completed()
    assert api("cancel", orders=f"{waiting.pk},{done.pk},7777777") == [
        {"order": waiting.pk, "cancel": 1},
        {"order": done.pk, "cancel": {"error": "Order is not eligible for cancel"}},
        {"order": 7777777, "cancel": {"error": "Incorrect order ID"}},
    ]
    assert Order.objects.get(pk=waiting.pk).forward_state == Forward.REFUNDED
    assert balance_of(alice) == before - done.charge
    assert api("status", order=waiting.pk)["status"] == "Canceled"


def test_what_is_not_an_action_is_an_incorrect_request(api: Panel, client: Client) -> None:
    assert api("orders") == api("") == api("create") == {"error": "Incorrect request"}
    wrong_method = client.get("/api/v2", {"key": api.key, "action": "balance"})
    assert (wrong_method.status_code, wrong_method["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'{"key": {"a": 1}}', "application/json"),
        (b'{"orders": [[1]]}', "application/json"),
        (b'{"a":' + b"[" * 100_000 + b"}", "application/json"),
        (b"&".join(b"a=1" for _n in range(1000)), "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"a" * 3_000_000, "application/x-www-form-urlencoded"),
    ],
)
def test_an_unreadable_body_is_an_incorrect_request(client: Client, db: None, body: bytes, kind: str) -> None:
    answer = client.generic("POST", "/api/v2", body, content_type=kind)
    assert answer.status_code == 200
    assert json.loads(answer.content)["error"] in ("Incorrect request", "Invalid API key")


def test_nothing_of_the_provider_is_in_any_answer(api: Panel, orders: Orders, services: list[Service]) -> None:
    for order in orders.one_of_each():
        Order.objects.filter(pk=order.pk).update(provider_charge=Decimal("0.77777"), answered_currency="RUB")
    order = Order.objects.first()
    assert order is not None
    said: list[Any] = [
        api("services"),
        api("balance"),
        api("status", orders=",".join(map(str, Order.objects.values_list("pk", flat=True)))),
    ]
    text = json.dumps(said)
    for secret in ("Alpha supply", "0.77777", "RUB", '1.43"', order.provider.url, f"-{services[0].pk}-1"):
        assert secret not in text


def test_a_refill_outside_its_time_is_refused_with_the_time(api: Panel, orders: Orders) -> None:
    early, late = orders.completed(), orders.completed()
    Order.objects.filter(pk=early.pk).update(refill_opens_hours=3, finished_at=database_now() - timedelta(minutes=30))
    Order.objects.filter(pk=late.pk).update(refill_days=30, finished_at=datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert api("refill", order=early.pk) == {"error": "Order is not eligible for refill: Refill opens in 2 h 30 min"}
    assert "Order is not eligible for refill: Refill ended on 31 Jan" in api("refill", order=late.pk)["error"]
    assert not Refill.objects.exists()
