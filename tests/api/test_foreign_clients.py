"""The calls of programs that others wrote, byte by byte, over sockets to the real web server."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import User
from catalog.models import ProviderService, Service
from orders.models import Order
from tests.api.cast import key_for
from tests.api.foreign_clients import CLIENTS, ForeignClient
from tests.stack.running import running

#: What encodings get wrong: signs of the encoding itself, umlauts, an emoji, a blank at an end, two kinds of line end.
COMMENTS = "100% <b> & more+more = ok?\r\nGrüße, {name} ~ *\n🔥 très bien;\\o/"


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests here; it keeps nothing between two calls but its sessions of the database."""
    with running(tmp_path_factory.mktemp("web"), "redis://127.0.0.1:9/0", API_RATE_PER_MINUTE="0") as stack:
        stack.web()
        yield stack.url


@pytest.fixture
def web(transactional_db: None, server: str) -> str:
    return server


class Connection:
    """One connection of one program; it stays open from call to call."""

    def __init__(self, client: ForeignClient, address: str, key: str) -> None:
        self.client, self.host, self.key = client, urlsplit(address).netloc, key
        name, _colon, port = self.host.partition(":")
        self.socket = socket.create_connection((name, int(port)), timeout=20)

    def __call__(self, action: str, **fields: str) -> Any:
        """Return the answer, after a look at what every answer has."""
        self.socket.sendall(self.client.request(self.host, {"key": self.key, "action": action, **fields}))
        answer = http.client.HTTPResponse(self.socket, method="POST")
        answer.begin()
        body = answer.read()
        assert answer.status == 200, (self.client.name, body)
        assert answer.getheader("Content-Type") == "application/json", self.client.name
        assert answer.getheader("Connection") == "keep-alive", self.client.name
        if encoding := answer.getheader("Content-Encoding"):
            assert encoding in ("gzip", "br"), self.client.name
            assert action == "services", self.client.name
            return encoding
        return json.loads(body)


def test_every_program_is_understood_and_understands(web: str, alice: User, services: list[Service]) -> None:
    for number, client in enumerate(CLIENTS):
        call, name = Connection(client, web, key_for(alice)), client.name
        listed = call("services")
        assert listed in ("gzip", "br") or {row["service"] for row in listed} == {s.pk for s in services}, name
        assert call("balance").keys() == {"balance", "currency"}, name
        placed = call(
            "add", service=str(services[0].pk), link=f"https://instagram.com/atelier.{number}", quantity="100"
        )
        told = call("add", service=str(services[4].pk), link="https://instagram.com/p/Cabcdefghij", comments=COMMENTS)
        assert (placed.keys(), told.keys()) == ({"order"}, {"order"}), (name, placed, told)
        assert Order.objects.get(pk=told["order"]).fields["comments"].splitlines() == COMMENTS.splitlines(), name
        one = call("status", order=str(placed["order"]))
        assert (one["status"], one["remains"], one["start_count"]) == ("Pending", "100", "0"), name
        several = call("status", orders=f"{placed['order']},9999999")
        assert several == {str(placed["order"]): one, "9999999": {"error": "Incorrect order ID"}}, name
        assert call("status", order=f"{placed['order']},{told['order']}").keys() == {
            str(placed["order"]), str(told["order"]),
        }, name  # fmt: skip
        assert call("refill", order=str(placed["order"])) == {"error": "Order is not eligible for refill"}, name
        assert call("cancel", orders=str(placed["order"])) == [{"order": placed["order"], "cancel": 1}], name
        assert call("add", service="9", link="x", quantity="1") == {"error": "Incorrect service ID"}, name
        call.key = "wrong"
        assert call("balance") == {"error": "Invalid API key"}, name
        call.socket.close()


def test_a_smartpanel_child_follows_a_drip_feed_and_a_subscription(
    web: str, alice: User, services: list[Service]
) -> None:
    """It sends every field of its form, and refunds by `runs` and `posts` alone."""
    ProviderService.objects.update(dripfeed=True)
    [client] = (client for client in CLIENTS if client.name == "SmartPanel")
    call = Connection(client, web, key_for(alice, status_words="smartpanel"))
    link, empty = "https://instagram.com/atelier.nord", {"comments": "", "usernames": "", "expiry": ""}
    drip = call("add", service=str(services[0].pk), link=link, quantity="100", runs="2", interval="10", **empty)
    posts = {"username": "atelier.nord", "min": "10", "max": "10", "posts": "5", "delay": "0", "expiry": "31/12/2030"}
    subscription = call("add", service=str(services[11].pk), **posts)
    said = call("status", order=str(drip["order"]))
    assert (said["status"], said["runs"]) == ("Pending", 0)
    said = call("status", order=str(subscription["order"]))
    assert (said["status"], said["posts"], said["expiry"]) == ("Active", 0, "31/12/2030")
    call.socket.close()
