"""The security log says who did what from where, holds no secret, and cannot be forged."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.api_keys import create_key
from accounts.models import ApiKey, User
from billing.models import Account
from core.clock import database_now
from core.security_log import Event, log_security
from tests.billing import cast
from tests.pages.cast import PASSWORD, customer
from tests.sign_in import code_of, sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db
NEW_PASSWORD = {"password1": "another horse battery", "password2": "another horse battery"}


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return customer()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Returns what the log holds by now, without addresses and ids of requests, and empties it."""

    def taken() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name == "security"]
        caplog.clear()
        assert all(re.search(r" actor=\S+ address=(127\.0\.0\.1|-) request=\S+", line) for line in found), found
        return [re.sub(r" address=\S+ request=\S+", "", line) for line in found]

    return taken


def test_signing_in_and_out(alice: User, lines: Any) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": alice.email, "password": "wrong horse"})
    client.post("/accounts/login/", {"login": "nobody@example.com", "password": "wrong horse"})
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    client.post("/accounts/logout/")
    assert lines() == [
        f"sign_in_failed actor=visitor account=customer:{alice.pk}",
        "sign_in_failed actor=visitor account=unknown",
        f"signed_in actor=customer:{alice.pk} method=password",
        f"signed_out actor=customer:{alice.pk}",
    ]
    for _n in range(6):
        client.post("/accounts/login/", {"login": alice.email, "password": "wrong horse"})
    assert lines()[-1] == f"sign_in_limited actor=visitor account=customer:{alice.pk}"


def test_second_factors(alice: User, lines: Any) -> None:
    sign_in_staff(alice)
    client, who = Client(), f"actor=customer:{alice.pk}"
    lines()
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    client.post("/accounts/2fa/authenticate/", {"code": code_of(alice)})
    assert lines() == [
        f"factor_failed {who} type=totp",
        f"factor_used {who} type=totp",
        f"signed_in {who} method=password,totp",
    ]
    confirmed = sign_in_staff(alice)
    lines()
    confirmed.post("/accounts/2fa/totp/deactivate/")
    assert lines() == [f"factor_removed {who} type=totp"]


def test_changes_of_an_account(alice: User, lines: Any) -> None:
    client, who = sign_in_customer(alice, confirmed=False), f"actor=customer:{alice.pk}"
    lines()
    asked = client.post("/account/api-keys/", {"name": "bot", "may": "both"})["Location"]
    client.post(asked, {"password": PASSWORD})
    key = ApiKey.objects.get()
    client.post(f"/account/api-keys/{key.pk}/change/", {"status_words": "smartpanel"})
    client.post(f"/account/api-keys/{key.pk}/revoke/")
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **NEW_PASSWORD})
    client.post("/accounts/sessions/")
    assert lines() == [
        f"confirmed {who} method=password",
        f"api_key_created {who} key={key.prefix}",
        f"api_key_changed {who} key_id={key.pk} words=smartpanel",
        f"api_key_revoked {who} key_id={key.pk}",
        f"password_changed {who} how=signed_in",
        f"sessions_ended {who} count=1",
    ]


def test_a_key_from_a_forbidden_address(alice: User, lines: Any) -> None:
    key = create_key(customer=alice, name="bot", networks=["10.0.0.1"], now=database_now())
    Client().post("/api/v2", {"key": key.plain, "action": "balance"})
    assert lines() == [f"api_key_refused actor=key:{key.row.prefix}"]


def test_who_was_refused_in_the_admin(alice: User, lines: Any) -> None:
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    path = "/admin/billing/wallet/"
    signed_in, customers = sign_in_staff(clerk), sign_in_customer(alice)
    without = Client()
    without.force_login(clerk)
    lines()
    for client in (signed_in, without, customers):
        client.get(path)
    assert lines() == [
        f"admin_refused actor=staff:{clerk.pk} path={path} why=no_permission",
        f"admin_refused actor=staff:{clerk.pk} path={path} why=no_second_factor",
        f"admin_refused actor=customer:{alice.pk} path={path} why=not_staff",
    ]


def test_money_moved_by_staff(lines: Any, django_capture_on_commit_callbacks: Any) -> None:
    owner, wallet = User.objects.create_superuser("owner@example.com", PASSWORD), cast.customer()
    client = sign_in_staff(owner)
    path = reverse("admin:billing_wallet_credit", args=[Account.objects.get(customer=wallet).pk])
    given = {"amount": "5", "reason": "sorry", "nonce": "0" * 32, "confirmed": "1"}
    lines()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(path, given)
    [line] = [line for line in lines() if line.startswith("staff_action")]
    assert line.startswith(f"staff_action actor=staff:{owner.pk} action=wallet.credit object=")


def test_no_line_can_be_forged_and_none_is_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "security")
    evil = 'x\nINFO security: signed_in actor=staff:1 \x1b[31m "\u2028' + "y" * 5000
    log_security(Event.ADMIN_REFUSED, actor="visitor", address=evil, path=evil)
    [line] = [record.getMessage() for record in caplog.records]
    assert line.isprintable()
    assert line.isascii()
    assert len(line) < 1200
    assert 'path="x\\nINFO security' in line


def test_no_secret_is_written(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = Client()
    client.post("/accounts/login/", {"login": alice.email, "password": "wrong horse 123"})
    client.post("/accounts/login/", {"login": "typed-password@example.com", "password": "wrong horse 123"})
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    written = "\n".join(r.getMessage() for r in caplog.records if r.name == "security")
    for secret in ("wrong horse 123", PASSWORD, "typed-password", alice.email):
        assert secret not in written


def test_the_documentation_lists_every_event() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    section = text.split("## The security log")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [event.value for event in Event]
