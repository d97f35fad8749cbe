"""A shop that goes on selling while a fifth of the answers is lost: every doubt closes, nothing is bought twice."""

import json
import time
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Q

from billing.models import Hold
from catalog.models import Provider
from core.clock import database_now
from orders.doubt import bracket, resolve
from orders.doubt.evidence import picture_of
from orders.doubt.picture import AskOwner, Wait
from orders.forwarding import dispatch
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome
from tests.orders.cast import Shop, customer

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS, DOUBTS, LIMIT_SECONDS = 40, 6, 90.0
#: What became of an attempt that was in doubt, whether it still is or not.
LOST = Q(outcome=Outcome.IN_DOUBT) | Q(evidence__has_key="resolved")


@pytest.fixture
def quick_doubts(settings: Any) -> None:
    """Two seconds stand for ten minutes; everything else keeps its proportion."""
    settings.DOUBT_SETTLE_SECONDS = settings.BREAKER_TRIAL_SECONDS = settings.RUNS_SETTLE_SECONDS = 2.2
    settings.DOUBT_REVIEW_SECONDS = 6.6
    settings.PROBE_PASS_GAP_SECONDS = 0.22
    settings.PROBE_INTERVAL_SECONDS = 0.004


@pytest.mark.usefixtures("quick_doubts")
def test_doubts_close_by_themselves_while_the_shop_sells(shop: Shop) -> None:
    shop.simulator.control(faults={"close_no_answer": 0.1, "h504_np": 0.1}, actions=["add"], seed=7, foreign_rate=30)
    rich = customer("rich@example.com", money="5000")
    end, placed, is_calm = time.monotonic() + LIMIT_SECONDS, 0, False
    while True:
        if not is_calm or _open_doubts():
            if placed >= ORDERS and not is_calm and ForwardAttempt.objects.filter(LOST).count() >= DOUBTS:
                shop.simulator.control(calm=True)  # later sales supply the upper ends, and no new doubts
                is_calm = True
            # Each at a charge of its own: equal ones may be impossible to tell apart, which another test covers.
            shop.buys(rich, quantity=1000 + 37 * placed, link=f"https://example.com/p/{placed}?fate=stuck")
            placed += 1
        Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())
        dispatch.forward_due(seconds=5)
        resolve.resolve_due(now=database_now(), seconds=5)
        if is_calm and not _open_doubts() and not Order.objects.exclude(forward_state=Forward.PLACED).exists():
            break
        assert time.monotonic() < end, _why_open()
        if placed == 5:
            shop.follows()  # the charges of the first orders tell how many decimals the provider shows

    accepted = Counter(order["link"] for order in shop.accepted())
    assert max(accepted.values()) == 1
    ours = dict(Order.objects.values_list("upstream_id", "link"))
    assert ours == {str(order["order"]): order["link"] for order in shop.accepted()}
    doubted = ForwardAttempt.objects.filter(evidence__has_key="resolved")
    assert doubted.count() >= DOUBTS
    assert {a.outcome for a in doubted} == {Outcome.PLACED, Outcome.NOT_PLACED}
    without_a_person = doubted.filter(decided_by=None).exclude(evidence__has_key="review").count()
    assert without_a_person >= 0.84 * doubted.count()
    assert Hold.objects.filter(refunded__gt=0).count() == 0
    out = StringIO()
    call_command("audit", "--json", stdout=out)
    assert json.loads(out.getvalue())


def _open_doubts() -> bool:
    return ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT).exists()


def _why_open() -> list[Any]:
    """What the rules say of each doubt that is still open when the patience of the test is over."""
    picture = picture_of(Provider.objects.get(), now=database_now())
    return [verdict for verdict in bracket.judge(picture) if isinstance(verdict, Wait | AskOwner)]
