"""Bodies as clients in the field put them together, each read as it was meant."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from api.actions import ACTIONS
from api.incoming import _KNOWN
from catalog.models import Service
from core.clock import database_now
from orders.models import Order
from support.models import Ticket
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders
from tests.stack.running import running

LINK = "https://instagram.com/atelier.nord"
FORM = "application/x-www-form-urlencoded"


def sent(body: str | bytes, kind: str = FORM) -> Any:
    raw = body.encode() if isinstance(body, str) else body
    answer = Client().generic("POST", "/api/v2", raw, content_type=kind)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("key={key}&action=balance&", FORM),
        ("&key={key}&&action=balance&foo&", FORM),
        ("key={key}&action=balance", f"{FORM}; charset=utf-8"),
        ("key={key}&action=balance", ""),
        ("key={key}&action=balance", "text/plain"),
        ("key={key}%20&action=%20balance", FORM),
        ("Key={key}&Action=Balance", FORM),
        ('{{"key": "{key}", "action": "balance"}}', "application/json"),
        ('\ufeff{{"key": "{key}", "action": "balance"}}', "application/json; charset=utf-8"),
        ('\n {{"key": "{key}", "action": "balance"}}', FORM),
        ('{{"key": "{key}", "action": "BALANCE", "extra": {{}}}}', ""),
    ],
)
def test_every_way_of_writing_the_same_call(api: Panel, body: str, kind: str) -> None:
    if "extra" in body:
        assert sent(body.format(key=api.key), kind) == {"error": "Incorrect request"}
    else:
        assert sent(body.format(key=api.key), kind) == {"balance": "100.00000", "currency": "USD"}


@pytest.mark.django_db
def test_words_for_an_absent_value_are_no_value(api: Panel, services: list[Service]) -> None:
    for word in ("undefined", "null", "None"):
        placed = api("add", service=services[0].pk, link=LINK, quantity="100", runs=word, interval=word)
        assert placed.keys() == {"order"}, placed
    assert "error" in api("add", service=services[0].pk, link=LINK, quantity="undefined")


@pytest.mark.django_db
@pytest.mark.parametrize("between", [",", " ", ";", "\n", "\r\n", " , "])
def test_a_list_of_numbers_in_whatever_way_it_is_written(api: Panel, orders: Orders, between: str) -> None:
    one, two = orders.queued(), orders.queued()
    numbers = {str(one.pk), str(two.pk)}
    assert api("status", orders=between.join(sorted(numbers))).keys() == numbers
    assert api("status", orders=f"[{one.pk}{between}{two.pk}]").keys() == numbers
    assert api("status", orders=f'["{one.pk}"{between}"{two.pk}"]').keys() == numbers
    assert api("status", order=between.join(sorted(numbers))).keys() == numbers
    assert len(api("cancel", order=f"{one.pk}{between}{two.pk}")) == 2
    assert api("status", order=f"{one.pk}{between}x") == {"error": "Incorrect order ID"}


@pytest.mark.django_db
def test_a_key_in_the_query_string_is_told_how_to_call(api: Panel) -> None:
    told = {"error": "Incorrect request: send the fields by POST, the query string is not read"}
    query = f"/api/v2?key={api.key}&action=balance"
    got = Client().get(query)
    assert (got.status_code, got.json()) == (405, told)
    posted = Client().post(query)
    assert (posted.status_code, posted.json()) == (200, told)
    assert Client().post("/api/v2", {"action": "balance"}).json() == {"error": "Invalid API key"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "//api/v2", 404),
        ("POST", "/api/v2/index.php", 404),
        ("POST", "/API/V2", 404),
        ("POST", "/api/v1", 404),
        ("POST", "/api/v3/", 404),
        ("POST", "/api/v2.php", 404),
        ("POST", "/api.php", 404),
        ("POST", "/api", 404),
        ("POST", "/api/", 404),
        ("POST", "/api//v2", 404),
        ("POST", "/apiv2", 404),
        ("POST", "/v2", 404),
        ("POST", "/api/v2/" + "k" * 40, 404),
        ("GET", "/api/v1?key=SECRET&action=balance", 404),
        ("GET", "/api/?key=SECRET&action=balance", 404),
        ("POST", "/?key=SECRET", 405),
        ("PUT", "/", 405),
    ],
)
def test_an_address_that_is_nearly_right_is_answered_in_json(
    method: str, path: str, status: int, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SHOP_URL = "https://shop.example"
    answer = Client(enforce_csrf_checks=True).generic(method, path, "key=SECRET&action=balance", FORM)
    told = {"error": "Incorrect request: the address of the API is https://shop.example/api/v2"}
    assert (answer.status_code, answer["Content-Type"], answer.json()) == (status, "application/json", told)
    assert "SECRET" not in caplog.text
    assert "kkk" not in caplog.text


@pytest.mark.django_db
def test_pages_near_the_api_stay_pages() -> None:
    client = Client()
    assert client.get("/api")["Location"] == "/api/"
    for path, kind in (("/api/", "text/html"), ("/api/v2/openapi.json", "application/json"), ("/", "text/html")):
        assert (client.get(path).status_code, client.get(path)["Content-Type"].split(";")[0]) == (200, kind)
    assert client.get("/apis-of-others")["Content-Type"].startswith("text/html")


def test_every_action_is_known_by_one_name() -> None:
    assert set(_KNOWN.values()) == set(ACTIONS)


@pytest.mark.django_db
def test_a_name_holds_however_the_action_is_capitalised(api: Panel, services: list[Service]) -> None:
    order_fields = {"service": services[0].pk, "link": LINK, "quantity": "100", "request_id": "one"}
    assert api("ADD", **order_fields) == api("add", **order_fields) == api("Add", **order_fields)
    assert Order.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("quantity", [1000, 1000.0, "1000"])
def test_a_number_may_be_written_with_a_point_in_json(api: Panel, services: list[Service], quantity: Any) -> None:
    answer = api.json("add", service=services[0].pk, link=LINK, quantity=quantity)
    assert Order.objects.get(pk=answer["order"]).quantity == 1000


@pytest.mark.django_db
@pytest.mark.parametrize("quantity", [1000.5, -1000.0, 1e300, True, "1000.0", "1e3"])
def test_what_is_no_whole_number_is_refused_also_in_json(api: Panel, services: list[Service], quantity: Any) -> None:
    said = api.json("add", service=services[0].pk, link=LINK, quantity=quantity)
    assert said["error"].split()[:1] in (["Incorrect"], ["Quantity"])
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_fields_of_a_wide_form_may_be_empty(api: Panel, services: list[Service]) -> None:
    """Bots send every field they know, whatever the type."""
    wide = dict.fromkeys(("comments", "usernames", "hashtags", "media", "runs", "interval", "delay", "expiry"), "")
    placed = api("add", service=services[0].pk, link=LINK, quantity="100", **wide)
    assert Order.objects.get(pk=placed["order"]).fields == {"link": LINK, "quantity": "100"}


@pytest.mark.django_db
def test_a_ticket_is_kept_for_the_owner(api: Panel, alice: User) -> None:
    said = api("createTicket", subject="  Order\x00 is slow ", message="When?\r\nPlease.", priority="HIGH")
    ticket = Ticket.objects.get()
    assert said == {"status": 200, "ticket_id": str(ticket.pk), "message": "Ticket created successfully"}
    assert (ticket.customer, ticket.subject, ticket.message, ticket.priority) == (
        alice, "Order is slow", "When?\nPlease.", "high",
    )  # fmt: skip
    assert api("createTicket", subject="a", message="b")["status"] == 200
    assert Ticket.objects.latest("id").priority == "normal"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"message": "b"}, "subject is required"),
        ({"subject": "a", "message": " \x00"}, "message is required"),
        ({"subject": "a" * 201, "message": "b"}, "A valid subject is required"),
        ({"subject": "a", "message": "b" * 10_001}, "A valid message is required"),
        ({"subject": "a", "message": "b", "priority": "now"}, "A valid priority is required"),
    ],
)
def test_a_ticket_without_sense_is_refused(api: Panel, fields: dict[str, str], error: str) -> None:
    assert api("createTicket", **fields) == {"error": error}
    assert not Ticket.objects.exists()


@pytest.mark.django_db
def test_a_ticket_is_opened_once_under_its_name(api: Panel) -> None:
    first = api("createTicket", subject="a", message="b", request_id="t1")
    assert api("createTicket", subject="a", message="b", request_id="t1") == first
    assert api("createTicket", subject="a", message="c", request_id="t1")["error"].startswith("request_id was used")
    assert Ticket.objects.count() == 1


@pytest.mark.django_db
def test_a_customer_cannot_bury_the_owner_in_tickets(api: Panel, alice: User, bob: User) -> None:
    now = database_now()
    Ticket.objects.bulk_create(Ticket(customer=alice, subject="a", message="b", created_at=now) for _n in range(50))
    assert api("createTicket", subject="a", message="b") == {"error": "Too many open tickets"}
    assert "ticket_id" in Panel(key_for(bob))("createTicket", subject="a", message="b")


@pytest.fixture
def web(db: None, tmp_path: Path, transactional_db: None) -> Iterator[str]:
    """The shop behind its real web server, which takes requests apart as Django's own does not."""
    with running(tmp_path, "redis://127.0.0.1:9/0") as stack:
        stack.web()
        yield stack.url


def test_a_body_in_chunks_is_read_as_node_sends_it(web: str, alice: User) -> None:
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=30)
    body = urlencode({"key": key_for(alice), "action": "balance"}).encode()

    def said(pieces: list[bytes], kind: str) -> Any:
        connection.request("POST", "/api/v2", iter(pieces), {"Content-Type": kind}, encode_chunked=True)
        return json.loads(connection.getresponse().read())

    assert said([body[:20], body[20:]], FORM)["balance"] == "100.00000"
    assert said([json.dumps({"key": "x"}).encode()], "application/json") == {"error": "Invalid API key"}
    assert said([b"a" * 1_000_000] * 4, FORM) == {"error": "Incorrect request"}
    connection.close()
