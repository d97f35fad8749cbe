"""What every answer of the shop says besides its content: to browsers, to caches and to the access log."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from api.errors import PLAIN_HTTP
from core.addresses import SENDER
from storefront.logs import ADDRESS
from tests.api.cast import Panel, key_for
from tests.pages.cast import customer
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer()


@pytest.fixture
def signed_in(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def staff() -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def test_every_answer_has_a_policy_and_no_static_file_is_for_other_sites(alice: User) -> None:
    answers = [Panel(key_for(alice)).post("balance"), Client().get("/static/app.css"), Client().get("/")]
    answers += [Client().get("/api/v2"), Client().get("/nowhere"), Client().get("/healthz")]
    for answer in answers:
        assert "default-src 'none'" in answer["Content-Security-Policy"], answer
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("path", ["/?q=%00", "/%00", "/static/%00"])
def test_nul_is_refused_with_a_page_that_says_so(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 400
    assert "could not be read" in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["orders:list", "billing:wallet", "billing:csv", "account", "mfa_index", "orders:rows"]
)
def test_pages_of_whoever_is_signed_in_are_in_no_cache(signed_in: Client, name: str) -> None:
    answer = signed_in.get(reverse(name))
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))


def test_pages_of_visitors_and_files_may_be_kept(signed_in: Client) -> None:
    assert "Cache-Control" not in Client().get("/")
    assert "no-store" not in signed_in.get("/static/app.css")["Cache-Control"]
    assert "no-store" in signed_in.get("/")["Cache-Control"]


def test_signing_out_empties_the_cache(signed_in: Client, staff: Client) -> None:
    assert "Clear-Site-Data" not in signed_in.get(reverse("account_logout"))
    assert signed_in.post(reverse("account_logout"))["Clear-Site-Data"] == '"cache"'
    assert staff.post(reverse("admin:logout"))["Clear-Site-Data"] == '"cache"'


def test_the_api_over_plain_http_is_redirected_and_told_why(alice: User, settings: Any) -> None:
    """308 keeps method and body; with 301 programs come back by GET, without their key."""
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    panel = Panel(key_for(alice))
    for path in ("/api/v2", "/api/v2/"):
        led = Client().post(f"{path}?key={panel.key}", {"key": panel.key, "action": "balance"})
        assert (led.status_code, led["Location"], led["Cache-Control"]) == (
            308,
            f"https://testserver{path}",
            "no-store",
        )
        assert led.json() == {"error": PLAIN_HTTP}
    assert panel.post("balance", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    assert panel.post("balance", headers={"X-Forwarded-Proto": "http"}).status_code == 308
    assert Client().get("/").status_code == 301


def test_the_access_log_learns_who_asked_and_from_where(
    signed_in: Client, staff: Client, alice: User, settings: Any
) -> None:
    key = key_for(alice)
    asked = [
        (signed_in.get("/orders/"), f"customer:{alice.pk}"),
        (staff.get("/admin/"), f"staff:{User.objects.get(email='owner@example.com').pk}"),
        (Panel(key).post("balance"), f"key:{key[:8]}"),
        (Panel("x" * 40).post("balance"), None),
        (Client().get("/"), None),
    ]
    for answer, sender in asked:
        assert answer.wsgi_request.META.get(SENDER) == sender
    settings.PROXY_COUNT = 1
    answer = Client().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.1"})
    assert answer.wsgi_request.META[ADDRESS] == "192.0.2.1"
