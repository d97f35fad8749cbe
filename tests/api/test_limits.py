"""Too many calls: HTTP 429 and how long to wait, with Redis and without it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, User
from api import limits
from api.limits import OwnBuckets
from core.clock import database_now
from storefront.embedded.place import ServerPlace
from tests.api.cast import Panel, key_for

pytestmark = pytest.mark.django_db


def calls_until_stopped(panel: Panel, most: int = 40) -> tuple[int, int]:
    """How many calls passed, and the seconds that the first stopped one was told to wait."""
    for passed in range(most):
        answer = panel.post("balance")
        if answer.status_code == 429:
            assert answer.json() == {"error": "Too many requests"}
            return passed, int(answer["Retry-After"])
    return most, 0


@pytest.fixture(params=["redis", "process"])
def counted_in(request: pytest.FixtureRequest, settings: Any) -> str:
    if request.param == "process":
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.API_RATE_PER_MINUTE = 6
    where: str = request.param
    return where


def test_a_key_is_stopped_and_told_for_how_long(api: Panel, counted_in: str) -> None:
    passed, wait = calls_until_stopped(api)
    assert passed == 6
    assert 1 <= wait <= 10


def test_all_keys_of_a_customer_share_a_limit_and_nobody_elses(
    api: Panel, alice: User, bob: User, counted_in: str
) -> None:
    passed = [calls_until_stopped(Panel(key_for(alice)))[0] for _n in range(3)]
    assert passed == [6, 6, 0]
    assert calls_until_stopped(Panel(key_for(bob)))[0] == 6


def test_wrong_keys_stop_their_address_and_no_key_that_was_right(api: Panel, bob: User, counted_in: str) -> None:
    assert "balance" in api("balance")
    assert calls_until_stopped(Panel("wrong"))[0] == 6
    with CaptureQueriesContext(connection) as queries:
        assert Panel("wrong too").post("balance").status_code == 429
    assert not queries.captured_queries
    assert "balance" in api("balance")
    elsewhere = Panel(key_for(bob), Client(REMOTE_ADDR="2001:db8:1:2::3"))
    assert "balance" in elsewhere("balance")
    assert calls_until_stopped(Panel("wrong", Client(REMOTE_ADDR="2001:db8:1:2::4")))[0] == 6
    assert Panel("wrong", Client(REMOTE_ADDR="2001:db8:1:2::5")).post("balance").status_code == 429


def test_a_key_that_was_right_and_is_revoked_counts_as_wrong(alice: User, counted_in: str) -> None:
    api = Panel(key_for(alice), Client(REMOTE_ADDR="192.0.2.7"))
    assert "balance" in api("balance")
    ApiKey.objects.update(revoked_at=database_now())
    assert calls_until_stopped(api)[0] == 6
    with CaptureQueriesContext(connection) as queries:
        assert api.post("balance").status_code == 429
    assert not queries.captured_queries


def test_zero_switches_it_off(api: Panel, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 0
    assert calls_until_stopped(api) == (40, 0)


def test_a_bucket_fills_again_with_time() -> None:
    own = OwnBuckets()
    assert [own.wait({"a": 2}, now=0) for _n in range(3)] == [0, 0, 30]
    assert own.wait({"a": 2}, now=29) > 0
    assert own.wait({"a": 2}, now=30) == 0
    assert own.wait({"a": 2}, now=31) == pytest.approx(29)
    assert [own.wait({"a": 2}, now=10_000) for _n in range(3)] == [0, 0, 30]


def test_a_full_bucket_takes_nothing_from_the_other() -> None:
    own = OwnBuckets()
    assert own.wait({"key": 1, "all": 3}, now=0) == 0
    assert own.wait({"key": 1, "all": 3}, now=0) > 0
    assert [own.wait({"other": 9, "all": 3}, now=0) > 0 for _n in range(3)] == [False, False, True]


def test_redis_may_die_and_come_back(api: Panel, settings: Any, own_place: ServerPlace, monkeypatch: Any) -> None:
    redis = own_place.redis(durable=False)
    redis.start()
    settings.REDIS_URL, settings.API_RATE_PER_MINUTE = redis.url, 4
    monkeypatch.setattr(limits, "REDIS_PAUSE_SECONDS", 0.0)
    assert calls_until_stopped(api)[0] == 4
    redis.stop()
    assert calls_until_stopped(api)[0] == 4  # this process begins to count by itself
    redis.start()
    assert calls_until_stopped(api)[0] == 4


def test_a_redis_that_hung_up_in_between_is_asked_again(api: Panel, settings: Any, own_place: ServerPlace) -> None:
    redis = own_place.redis(durable=False)
    redis.start()
    settings.REDIS_URL, settings.API_RATE_PER_MINUTE = redis.url, 4
    assert calls_until_stopped(api)[0] == 4
    redis.stop()
    redis.start()
    # The buckets are Redis' own again, full since it began anew: this process has counted nothing.
    assert calls_until_stopped(api)[0] == 4
    assert limits._own._left == {}
