"""Calls to gateways: exact JSON, addresses that are checked, answers that are bounded, and secrets in no message."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.gateways.calls import MOST_BYTES, call, check_address
from billing.gateways.contract import NoAnswer
from billing.gateways.reading import Literal, Unreadable, read_amount, read_json, write_json
from tests.billing.topups.fakes.server import FakeServer

SECRET = "a-key-that-stands-in-no-message"


@pytest.fixture(scope="module")
def server() -> FakeServer:
    return FakeServer()


def ask(server: FakeServer, *answers: tuple[int, bytes]) -> Any:
    server.queued = list(answers)
    return call("GET", f"{server.url}/v1/{SECRET}", headers={"x-api-key": SECRET})


def test_an_answer_keeps_every_digit(server: FakeServer) -> None:
    answer = ask(server, (200, b'{"a": 25.10, "b": 1.2e-7, "c": "25", "d": 900719925474099312345}'))
    assert answer.fields() == {"a": "25.10", "b": "1.2e-7", "c": "25", "d": "900719925474099312345"}
    assert server.requests[-1].headers["x-api-key"] == SECRET
    assert read_amount(answer.value["b"]) == read_amount("0.00000012")
    assert write_json(answer.value) == '{"a":25.10,"b":1.2e-7,"c":"25","d":900719925474099312345}'


def test_a_refusal_is_an_answer(server: FakeServer) -> None:
    refused = ask(server, (401, b'{"message": "no"}'))
    assert (refused.status, refused.is_ok, refused.fields()) == (401, False, {"message": "no"})
    assert ask(server, (404, b"<html>")).value is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b""),
        (429, b"{}"),
        (302, b"{}"),
        (200, b"<html>"),
        (200, b""),
        (200, b"\xff{}"),
        (200, b"\xef\xbb\xbf{}"),
        (200, b'{"a": NaN}'),
        (200, b'{"a": 1, "a": 2}'),
        (200, b"[" * 100_000),
        (200, b" " * (MOST_BYTES + 1)),
    ],
)
def test_anything_else_is_no_answer(server: FakeServer, status: int, body: bytes) -> None:
    with pytest.raises(NoAnswer) as found:
        ask(server, (status, body))
    assert SECRET not in str(found.value)


def test_no_object_is_no_answer(server: FakeServer) -> None:
    with pytest.raises(NoAnswer):
        ask(server, (200, b"[1]")).fields()


def test_a_port_where_nobody_listens_is_no_answer() -> None:
    with pytest.raises(NoAnswer) as found:
        call("GET", f"http://127.0.0.1:9/{SECRET}", headers={})
    assert str(found.value) == "127.0.0.1: refused"


def test_a_private_address_is_called_only_where_the_operator_allows_it(server: FakeServer, settings: Any) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    before = len(server.requests)
    with pytest.raises(NoAnswer):
        call("GET", server.url, headers={})
    assert len(server.requests) == before
    for address in (server.url, "http://pay.example.com", "https://10.0.0.1", "https://pay.example.com?x=1", "ftp://x"):
        with pytest.raises(ValidationError):
            check_address(address)
    check_address("https://pay.example.com/btcpay")
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = True
    check_address(server.url)


@pytest.mark.parametrize("value", [1.5, 3, {"a": 2.5}, [1]])
def test_a_number_that_is_no_literal_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        write_json(value)


def test_what_is_read_is_written_as_javascript_would() -> None:
    text = '{"b":{"z":1.0,"a":[3e2,null,true]},"a":"Straße \\"/ \\u0007\\n"}'
    assert write_json(read_json(text.encode())) == '{"a":"Straße \\"/ \\u0007\\n","b":{"a":[3e2,null,true],"z":1.0}}'
    assert write_json({"n": Literal("25.10")}) == '{"n":25.10}'
    with pytest.raises(Unreadable):
        read_json(b'{"a": 1} x')
