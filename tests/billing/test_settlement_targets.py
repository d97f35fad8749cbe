"""Settlement works towards a target: whatever answers arrive, in whatever order, however often."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from billing import ledger
from billing.audit import EQUATIONS, check
from billing.models import Hold, Transfer
from core.money import QUANTUM
from tests.battery.counts import sized
from tests.billing import cast
from tests.billing.cast import balance, customer, money

CHARGE = money("30")
# Also more than was paid: a provider may say anything.
DUES = st.lists(st.integers(0, 4_000_000).map(lambda n: n * QUANTUM), min_size=1, max_size=8)


def settle(due: Decimal, *, close: bool) -> int:
    return ledger.post(ledger.settlement_postings(Hold.objects.get(), due, close=close))


class Settling(TestCase):
    @settings(max_examples=sized(20, 120, 2000), deadline=None)
    @given(dues=DUES, repeats=st.booleans())
    def test_any_list_of_answers_pays_back_its_largest_and_no_more(self, dues: list[Decimal], repeats: bool) -> None:
        alice = customer(has="100")
        cast.hold(alice, "order:1", CHARGE)
        largest = Decimal(0)
        for due in [*dues, *dues] if repeats else dues:
            settle(due, close=True)
            largest = max(largest, min(due, CHARGE))
            hold = Hold.objects.get()
            assert hold.refunded == largest
            assert hold.charged - hold.earned - hold.refunded == 0
            assert balance(alice) == money("70") + largest
        assert [f.name for f in check(EQUATIONS) if not f.holds] == []

    @settings(max_examples=sized(10, 60, 1000), deadline=None)
    @given(dues=DUES)
    def test_answers_before_the_end_leave_the_rest_held(self, dues: list[Decimal]) -> None:
        alice = customer(has="100")
        cast.hold(alice, "order:1", CHARGE)
        for due in dues:
            settle(due, close=False)
        hold = Hold.objects.get()
        assert (hold.earned, hold.refunded) == (0, min(max(dues), CHARGE))
        settle(Decimal(0), close=True)
        hold.refresh_from_db()
        assert hold.earned + hold.refunded == CHARGE

    @settings(max_examples=sized(10, 60, 1000), deadline=None)
    @given(dues=DUES)
    def test_the_last_answer_again_posts_nothing(self, dues: list[Decimal]) -> None:
        cast.hold(customer(), "order:1", CHARGE)
        for due in dues:
            settle(due, close=True)
        before = Transfer.objects.count()
        assert settle(dues[-1], close=True) == 0
        assert Transfer.objects.count() == before
