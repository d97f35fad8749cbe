"""Following and settling: the provider's words become states and money, towards a target, never twice."""

from decimal import Decimal

import pytest

from accounts.models import User
from billing.models import Account, AccountKind, Hold, Transfer
from catalog.providers.account import read_balance
from core.clock import database_now
from notices.models import Alert
from orders.following import order_answers
from orders.models import EventKind
from orders.states import Forward, Progress, face_of
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop, balance
from upstream.errors import ErrorClass
from upstream.messages import Ignored, ItemError, Missing, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)

PARTIAL, COMPLETED, CANCELED = ProviderOrderState.PARTIAL, ProviderOrderState.COMPLETED, ProviderOrderState.CANCELED
IN_PROGRESS, PENDING = ProviderOrderState.IN_PROGRESS, ProviderOrderState.PENDING


def test_an_order_is_followed_to_its_end_and_earned(shop: Shop, alice: User) -> None:
    order = bought(shop, alice, link="https://example.com/p/1?fate=completed&after=4")
    shop.simulator.control(advance=2)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.IN_PROGRESS
    assert order.start_count is not None
    assert Hold.objects.get().earned == 0
    shop.simulator.control(advance=10)
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.delivered, order.refunded) == (Progress.COMPLETED, 1000, 0)
    assert Hold.objects.get().earned == order.charge
    kinds = list(order.events.values_list("kind", flat=True))
    assert kinds[-1] == EventKind.FINISHED
    assert EventKind.STARTED in kinds


def test_a_partial_order_pays_back_what_did_not_arrive(shop: Shop, alice: User) -> None:
    order = bought(shop, alice, link="https://example.com/p/1?fate=partial:157&after=4")
    shop.simulator.control(advance=20)
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.delivered) == (Progress.PARTIAL, 843)
    assert order.refunded == Decimal("0.18369")
    assert balance(alice) == Decimal(100) - Decimal("0.98631")
    hold = Hold.objects.get()
    assert hold.charged == hold.earned + hold.refunded


def test_a_canceled_order_pays_everything_back(shop: Shop, alice: User) -> None:
    order = bought(shop, alice, link="https://example.com/p/1?fate=canceled&after=4")
    shop.simulator.control(advance=20)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.CANCELED
    assert balance(alice) == 100


@pytest.mark.parametrize(
    ("story", "refunds"),
    [
        ([status(PARTIAL, remains=157), status(PARTIAL, remains=157)], "157"),
        ([status(PARTIAL, remains=157), status(PARTIAL, remains=120)], "157"),
        ([status(PARTIAL, remains=157), status(PARTIAL, remains=120), status(PARTIAL, remains=200)], "200"),
        ([status(COMPLETED), status(PARTIAL, remains=80)], "80"),
        ([status(COMPLETED), status(PARTIAL, remains=80), status(COMPLETED)], "80"),
        ([status(PARTIAL, remains=80), status(CANCELED, remains=1000)], "1000"),
        ([status(CANCELED, remains=0), status(IN_PROGRESS, remains=600), status(COMPLETED)], "1000"),
        ([status(CANCELED, remains=0), status(PARTIAL, remains=10)], "1000"),
        ([status(PARTIAL, remains=1500)], "1000"),
        ([status(PARTIAL, remains=-12)], "0"),
        ([status(PARTIAL, remains=0)], "0"),
        ([status(COMPLETED, remains=13)], "0"),
        ([status(ProviderOrderState.REFUNDED, remains=1000, charge=Decimal(0))], "1000"),
        ([status(IN_PROGRESS, remains=500), status(PENDING, remains=1000)], "0"),
        ([status(ProviderOrderState.FAILED, remains=1000)], "0"),
    ],
)
def test_money_follows_the_largest_target_and_no_sum_of_answers(
    shop: Shop, alice: User, story: list[OrderStatus], refunds: str
) -> None:
    order = answered(shop, bought(shop, alice), *story)
    due = (order.charge * Decimal(refunds) / 1000).quantize(Decimal("0.00001"), rounding="ROUND_FLOOR")
    assert order.refunded == due
    assert balance(alice) == 100 - order.charge + due
    hold = Hold.objects.get()
    assert hold.refunded == due
    assert hold.earned in (0, order.charge - due)


@pytest.mark.parametrize(
    "unclear",
    [
        status(PARTIAL),
        status(PARTIAL, remains_raw="1,000", flags=("remains_unreadable",)),
        status(CANCELED, remains=400, charge=Decimal("0.54")),
        status(COMPLETED, children=("70011", "70012")),
        status(ProviderOrderState.EXPIRED, children=()),
    ],
)
def test_an_end_whose_money_is_unclear_keeps_the_money_held_for_a_person(
    shop: Shop, alice: User, unclear: OrderStatus
) -> None:
    order = answered(shop, bought(shop, alice), unclear, unclear)
    hold = Hold.objects.get()
    assert (hold.earned, hold.refunded) == (0, 0)
    assert order.needs_review
    assert not order.is_final
    assert order.events.filter(kind=EventKind.REMARK).count() == 1
    assert order.next_poll_at is not None


@pytest.mark.parametrize(
    "nothing",
    [Missing(), ItemError(ErrorClass.UNKNOWN_ORDER), Ignored("unknown_state", "Wird geliefert"), Ignored("no_state")],
)
def test_errors_gaps_and_unknown_words_keep_the_order_as_it_is(shop: Shop, alice: User, nothing: StatusItem) -> None:
    order = answered(shop, bought(shop, alice), status(IN_PROGRESS, remains=500), nothing)
    assert order.progress == Progress.IN_PROGRESS
    assert (order.refunded, order.poll_misses) == (0, 1)
    order = answered(shop, order, *[nothing] * 9)
    assert order.needs_review
    assert Hold.objects.get().refunded == 0


@pytest.mark.parametrize(
    ("unclear", "clear"),
    [
        ([status(PARTIAL)], status(PARTIAL, remains=157)),
        ([status(CANCELED, remains=400, charge=Decimal("0.54"))], status(CANCELED, remains=0, charge=Decimal(0))),
        ([ItemError(ErrorClass.UNKNOWN_ORDER)] * 10, status(IN_PROGRESS, remains=157)),
        ([status(CANCELED, charge=Decimal("0.90"))], status(CANCELED, charge=Decimal(0))),
    ],
)
def test_an_answer_that_makes_things_clear_takes_the_order_off_the_owners_list(
    shop: Shop, alice: User, unclear: list[StatusItem], clear: OrderStatus
) -> None:
    order = answered(shop, bought(shop, alice), *unclear)
    assert order.needs_review
    assert answered(shop, order, clear).needs_review == ""


def test_an_unknown_state_is_shown_to_the_owner_once(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    answered(shop, order, Ignored("unknown_state", "Wird geliefert"), Ignored("unknown_state", "Wird geliefert"))
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:unknown_state").count() == 1


def test_an_answer_asked_for_before_the_last_one_applied_changes_nothing(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    early = database_now()
    answered(shop, order, status(COMPLETED))
    order_answers.apply_answers(
        {order.pk: status(CANCELED)}, provider=shop.provider, asked_at=early, now=database_now()
    )
    order.refresh_from_db()
    assert order.progress == Progress.COMPLETED
    assert balance(alice) == 100 - order.charge


def test_an_order_of_another_provider_is_never_touched(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    stranger = type(shop.provider)(name="Other", url=shop.provider.url, sealed_key="x")
    stranger.save()
    now = database_now()
    order_answers.apply_answers({order.pk: status(CANCELED)}, provider=stranger, asked_at=now, now=now)
    assert balance(alice) == 100 - order.charge


def test_a_charge_above_the_expected_cost_is_a_loss_alert_and_not_the_customers(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), status(IN_PROGRESS, charge=Decimal("1.05"), remains=10))
    assert order.provider_charge == Decimal("1.05")
    assert order.refunded == 0
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_a_charge_that_is_told_late_is_unknown_until_then(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    for charge in (None, Decimal(0)):
        order = answered(shop, order, status(IN_PROGRESS, charge=charge, remains=10))
        assert order.provider_charge is None
    order = answered(shop, order, status(COMPLETED, charge=None))
    assert order.provider_charge is None
    order = answered(shop, order, status(COMPLETED, charge=Decimal("0.9")))
    assert order.provider_charge == Decimal("0.9")  # after the end, which was settled without it
    assert order.refunded == 0


def test_a_canceled_order_without_a_charge_is_not_taken_to_be_charged_still(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), status(IN_PROGRESS, charge=Decimal("0.9"), remains=10))
    order = answered(shop, order, status(CANCELED, charge=None, flags=("charge_unreadable",)))
    assert order.provider_charge == Decimal("0.9")
    order = answered(shop, order, status(CANCELED, charge=None))
    assert order.provider_charge is None
    order = answered(shop, order, status(CANCELED, charge=Decimal(0)))
    assert order.provider_charge == 0


def test_a_foreign_currency_is_no_arithmetic(shop: Shop, alice: User) -> None:
    strange = status(COMPLETED, charge=Decimal("25.10"), currency="RUB", flags=("currency_differs",))
    order = answered(shop, bought(shop, alice), strange)
    assert order.provider_charge is None
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:order_currency").exists()
    assert order.progress == Progress.COMPLETED


def test_a_foreign_currency_of_orders_raises_one_alert_though_the_account_names_ours(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    for remains in (900, 500, 100):
        answered(shop, order, status(IN_PROGRESS, remains=remains, currency="RUB", flags=("currency_differs",)))
        read_balance(shop.provider, now=database_now())
    assert [alert.closed_at for alert in Alert.objects.filter(cause__endswith="currency")] == [None]


def test_delivery_after_a_refund_raises_a_loss_alert(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), status(CANCELED), status(COMPLETED, charge=Decimal("0.90")))
    assert order.progress == Progress.CANCELED
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_every_pair_of_states_has_a_face() -> None:
    for forward in Forward:
        for progress in ("", *Progress):
            assert face_of(forward, progress).word


def test_all_accounts_sum_to_zero_after_all_this(shop: Shop, alice: User) -> None:
    for story in ([status(COMPLETED), status(PARTIAL, remains=3)], [status(CANCELED)], [status(PARTIAL, remains=333)]):
        answered(shop, bought(shop, alice, quantity=777), *story)
    total = Decimal(0)
    for account in Account.objects.all():
        came = sum((t.amount for t in Transfer.objects.filter(target=account)), Decimal(0))
        went = sum((t.amount for t in Transfer.objects.filter(source=account)), Decimal(0))
        total += came - went
        if account.kind == AccountKind.WALLET:
            assert account.balance == came - went
        if account.kind == AccountKind.HELD:
            assert came == went
    assert total == 0


def test_what_was_bought_from_a_provider_that_is_inactive_now_is_settled(shop: Shop, alice: User) -> None:
    order = bought(shop, alice, link="https://example.com/p/1?fate=partial:157&after=1")
    type(shop.provider).objects.update(is_active=False)
    shop.simulator.control(advance=30)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.PARTIAL
    assert order.refunded > 0
