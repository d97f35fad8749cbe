"""Where a request comes from, whatever a proxy writes."""

from typing import Any

import pytest
from django.test import RequestFactory

from core.addresses import client_address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:5678", "203.0.113.7"),
        ("[2001:db8::7]:5678", "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", "192.0.2.1"),
        ("<script>", "192.0.2.1"),
        ("", "192.0.2.1"),
    ],
)
def test_a_proxy_s_words_become_an_address(forwarded: str, address: str, settings: Any) -> None:
    settings.PROXY_COUNT = 1
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_a_connection_without_an_address_has_none() -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == ""
