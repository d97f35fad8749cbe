"""The store of counters: nothing that anybody writes into it makes it forget a counter that has not expired."""

import base64
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.api_keys import create_key
from accounts.models import User
from billing import ledger
from core import counters
from core.clock import database_now
from storefront import expired
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counters_of_other_tests(db: None) -> None:
    """The table is not emptied between tests, and what others left may be over by now."""
    cache.clear()


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


@pytest.mark.parametrize("value", [3, 1.5, [1722.25, 1723.5], "y", "ä\0", None, True, {"a": [1]}])
def test_a_value_comes_back_as_it_was(value: object) -> None:
    cache.set("key", value, 60)
    assert cache.get("key", "absent") == value


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        cache.set("key", object(), 60)


class Ran:
    """Whoever unpickles it sees ``ran`` grow."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return ran.append, (1,)


ran: list[int] = []


def write(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_cache; INSERT INTO core_cache VALUES (%s, %s, 'infinity')", [":1:key", value])


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_an_earlier_release_are_not_run_and_are_replaced(protocol: int) -> None:
    pickled = base64.b64encode(pickle.dumps(Ran(), protocol)).decode()
    write(pickled)
    assert cache.get("key", "absent") == "absent"
    assert cache.get_many(["key", "other"]) == {}
    cache.set("key", 2, 60)
    assert cache.get("key") == 2
    write(pickled)
    assert cache.add("key", 3, 60)
    assert cache.get("key") == 3
    assert ran == []


def test_what_cannot_be_read_is_absent() -> None:
    write("no JSON")
    assert cache.get("key") is None
    cache.set("key", [1.0], 60)
    assert cache.get("key") == [1.0]


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
    monkeypatch.setattr(expired, "_deleted", [])
    for n in range(5):
        Session.objects.create(session_key=f"over{n}", session_data="", expire_date=datetime(2026, 1, 1, tzinfo=UTC))
    live = SessionStore()
    live["a"] = 1
    live.create()
    call_command("sweep")
    assert list(Session.objects.values_list("pk", flat=True)) == [live.session_key]


def joined_long_ago(email: str, **facts: object) -> User:
    person = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=person, email=email, verified=False, primary=True)
    User.objects.filter(pk=person.pk).update(**{"date_joined": database_now() - timedelta(days=8), **facts})
    return person


def test_the_sweep_deletes_accounts_that_nobody_verified_and_that_have_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expired, "BATCH", 2)
    monkeypatch.setattr(expired, "_deleted", [])
    cache.clear()
    unverified = [joined_long_ago(f"unverified{n}@example.com") for n in range(5)]
    kept = [
        joined_long_ago("new@example.com", date_joined=database_now()),
        joined_long_ago("signed-in@example.com", last_login=database_now()),
        joined_long_ago("staff@example.com", is_staff=True),
        joined_long_ago("verified@example.com"),
        joined_long_ago("with-a-key@example.com"),
        joined_long_ago("with-money@example.com"),
    ]
    EmailAddress.objects.filter(user=kept[3]).update(verified=True)
    create_key(customer=kept[4], name="bot", now=database_now())
    ledger.credit(customer=kept[5], amount=Decimal(1), reason="gift", reference="gift", actor="owner")
    assert expired.delete_expired(now=database_now()) == len(unverified)
    assert set(User.objects.all()) == set(kept)
    joined_long_ago("later@example.com")
    assert expired.delete_expired(now=database_now()) == 0, "it looks once an hour"
