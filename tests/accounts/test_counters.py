"""The store of counters: nothing that anybody writes into it makes it forget a counter that has not expired."""

from datetime import UTC, datetime

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core import counters
from core.clock import database_now
from storefront import expired
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db
WRONG = {"login": "alice@example.com", "password": "wrong horse"}


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_cache")
        [count] = cursor.fetchone()
    return int(count)


def test_a_limit_stays_when_strangers_fill_the_store(client: Client) -> None:
    customer()
    for _n in range(5):
        client.post("/accounts/login/", WRONG)
    assert "Too many attempts." in client.post("/accounts/login/", WRONG).content.decode()
    for n in range(1_000):  # keys on both sides of the counter's, as sign-ups from many addresses make them
        cache.set(f"{'az'[n % 2]}:foreign:{n}", [1.0], 300)
    assert rows() > 1_000
    assert "Too many attempts." in client.post("/accounts/login/", WRONG).content.decode()
    right = client.post("/accounts/login/", {**WRONG, "password": PASSWORD})
    assert "Too many attempts." in right.content.decode()


def test_the_store_keeps_djangos_contract() -> None:
    assert cache.add("lock", 1, 60)
    assert not cache.add("lock", 2, 60)
    assert cache.get("lock") == 1
    cache.set("lock", 3, 60)
    assert cache.get("lock") == 3
    assert cache.touch("lock", -1)
    assert cache.get("lock") is None
    cache.set("over", 1, -1)
    assert cache.add("over", 2, 60)
    assert cache.get("over") == 2
    assert not cache.touch("missing", 60)
    cache.set("kept", 4, None)
    assert cache.get("kept") == 4
    assert cache.delete("kept")
    assert cache.get("kept") is None


def test_a_write_is_one_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        cache.set("key", 1, 60)


def test_the_sweep_deletes_expired_counters_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "BATCH", 4)
    cache.set("live", 1, 60)
    before = rows()
    for n in range(10):
        cache.set(f"over:{n}", 1, -1)
    assert counters.delete_expired(now=database_now()) == 10
    assert (rows(), cache.get("live")) == (before, 1)


def test_the_sweep_deletes_expired_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expired, "BATCH", 2)
    for n in range(5):
        Session.objects.create(session_key=f"over{n}", session_data="", expire_date=datetime(2026, 1, 1, tzinfo=UTC))
    live = SessionStore()
    live["a"] = 1
    live.create()
    call_command("sweep")
    assert list(Session.objects.values_list("pk", flat=True)) == [live.session_key]
