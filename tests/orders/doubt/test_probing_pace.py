"""A search asks a provider no more often than it may, however many rounds it takes."""

from typing import Any

import pytest

from accounts.models import User
from core.clock import database_now
from orders.doubt import resolve
from tests.orders.cast import Shop
from tests.orders.doubts import LOST_BUT_PLACED, SETTLE, ages, buys_and_sends
from upstream.client import ProviderClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for by number, one entry for each call."""
    asked: list[str] = []
    honest = ProviderClient.statuses

    def counted(self: ProviderClient, ids: Any) -> Any:
        asked.append(",".join(ids))
        return honest(self, ids)

    monkeypatch.setattr(ProviderClient, "statuses", counted)
    return asked


def test_a_long_interval_is_kept_between_rounds(shop: Shop, alice: User, questions: list[str], settings: Any) -> None:
    settings.PROBE_INTERVAL_SECONDS = 60
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    rounds = []
    for _ in range(6):
        before = len(questions)
        resolve.resolve_due(now=database_now(), seconds=5)
        rounds.append(len(questions) - before)
        ages(shop, 31)
    assert rounds == [1, 0, 1, 0, 0, 0]
    lost.refresh_from_db()
    assert lost.upstream_id, "slow is not never"
