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
from tests.orders.cast import Shop, balance
from tests.orders.hearings import bought, heard, said
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
        ([said(PARTIAL, remains=157), said(PARTIAL, remains=157)], "157"),
        ([said(PARTIAL, remains=157), said(PARTIAL, remains=120)], "157"),
        ([said(PARTIAL, remains=157), said(PARTIAL, remains=120), said(PARTIAL, remains=200)], "200"),
        ([said(COMPLETED), said(PARTIAL, remains=80)], "80"),
        ([said(COMPLETED), said(PARTIAL, remains=80), said(COMPLETED)], "80"),
        ([said(PARTIAL, remains=80), said(CANCELED, remains=1000)], "1000"),
        ([said(CANCELED, remains=0), said(IN_PROGRESS, remains=600), said(COMPLETED)], "1000"),
        ([said(CANCELED, remains=0), said(PARTIAL, remains=10)], "1000"),
        ([said(PARTIAL, remains=1500)], "1000"),
        ([said(PARTIAL, remains=-12)], "0"),
        ([said(PARTIAL, remains=0)], "0"),
        ([said(COMPLETED, remains=13)], "0"),
        ([said(ProviderOrderState.REFUNDED, remains=1000, charge=Decimal(0))], "1000"),
        ([said(IN_PROGRESS, remains=500), said(PENDING, remains=1000)], "0"),
        ([said(ProviderOrderState.FAILED, remains=1000)], "0"),
    ],
)
def test_money_follows_the_largest_target_and_no_sum_of_answers(
    shop: Shop, alice: User, story: list[OrderStatus], refunds: str
) -> None:
    order = heard(shop, bought(shop, alice), *story)
    due = (order.charge * Decimal(refunds) / 1000).quantize(Decimal("0.00001"), rounding="ROUND_FLOOR")
    assert order.refunded == due
    assert balance(alice) == 100 - order.charge + due
    hold = Hold.objects.get()
    assert hold.refunded == due
    assert hold.earned in (0, order.charge - due)


@pytest.mark.parametrize(
    "unclear",
    [
        said(PARTIAL),
        said(PARTIAL, remains_raw="1,000", flags=("remains_unreadable",)),
        said(CANCELED, remains=400, charge=Decimal("0.54")),
        said(COMPLETED, children=("70011", "70012")),
        said(ProviderOrderState.EXPIRED, children=()),
    ],
)
def test_an_end_whose_money_is_unclear_keeps_the_money_held_for_a_person(
    shop: Shop, alice: User, unclear: OrderStatus
) -> None:
    order = heard(shop, bought(shop, alice), unclear, unclear)
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
    order = heard(shop, bought(shop, alice), said(IN_PROGRESS, remains=500), nothing)
    assert order.progress == Progress.IN_PROGRESS
    assert (order.refunded, order.poll_misses) == (0, 1)
    order = heard(shop, order, *[nothing] * 9)
    assert order.needs_review
    assert Hold.objects.get().refunded == 0


@pytest.mark.parametrize(
    ("unclear", "clear"),
    [
        ([said(PARTIAL)], said(PARTIAL, remains=157)),
        ([said(CANCELED, remains=400, charge=Decimal("0.54"))], said(CANCELED, remains=0, charge=Decimal(0))),
        ([ItemError(ErrorClass.UNKNOWN_ORDER)] * 10, said(IN_PROGRESS, remains=157)),
        ([said(CANCELED, charge=Decimal("0.90"))], said(CANCELED, charge=Decimal(0))),
    ],
)
def test_an_answer_that_makes_things_clear_takes_the_order_off_the_owners_list(
    shop: Shop, alice: User, unclear: list[StatusItem], clear: OrderStatus
) -> None:
    order = heard(shop, bought(shop, alice), *unclear)
    assert order.needs_review
    assert heard(shop, order, clear).needs_review == ""


def test_an_unknown_word_is_told_to_the_owner_once(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    heard(shop, order, Ignored("unknown_state", "Wird geliefert"), Ignored("unknown_state", "Wird geliefert"))
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:unknown_state").count() == 1


def test_an_answer_asked_for_before_the_last_one_applied_changes_nothing(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    early = database_now()
    heard(shop, order, said(COMPLETED))
    order_answers.apply({order.pk: said(CANCELED)}, provider=shop.provider, asked_at=early, now=database_now())
    order.refresh_from_db()
    assert order.progress == Progress.COMPLETED
    assert balance(alice) == 100 - order.charge


def test_an_order_of_another_provider_is_never_touched(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    stranger = type(shop.provider)(name="Other", url=shop.provider.url, sealed_key="x")
    stranger.save()
    now = database_now()
    order_answers.apply({order.pk: said(CANCELED)}, provider=stranger, asked_at=now, now=now)
    assert balance(alice) == 100 - order.charge


def test_a_charge_above_the_expected_cost_is_a_loss_alert_and_not_the_customers(shop: Shop, alice: User) -> None:
    order = heard(shop, bought(shop, alice), said(IN_PROGRESS, charge=Decimal("1.05"), remains=10))
    assert order.provider_charge == Decimal("1.05")
    assert order.refunded == 0
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_a_foreign_currency_is_no_arithmetic(shop: Shop, alice: User) -> None:
    strange = said(COMPLETED, charge=Decimal("25.10"), currency="RUB", flags=("currency_differs",))
    order = heard(shop, bought(shop, alice), strange)
    assert order.provider_charge is None
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:order_currency").exists()
    assert order.progress == Progress.COMPLETED


def test_a_foreign_currency_of_orders_is_told_once_though_the_account_names_ours(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    for remains in (900, 500, 100):
        heard(shop, order, said(IN_PROGRESS, remains=remains, currency="RUB", flags=("currency_differs",)))
        read_balance(shop.provider, now=database_now())
    assert [alert.closed_at for alert in Alert.objects.filter(cause__endswith="currency")] == [None]


def test_delivery_after_a_refund_is_told_as_a_loss(shop: Shop, alice: User) -> None:
    order = heard(shop, bought(shop, alice), said(CANCELED), said(COMPLETED, charge=Decimal("0.90")))
    assert order.progress == Progress.CANCELED
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_every_pair_of_states_has_a_face() -> None:
    for forward in Forward:
        for heard_of in ("", *Progress):
            assert face_of(forward, heard_of).word


def test_all_accounts_sum_to_zero_after_all_this(shop: Shop, alice: User) -> None:
    for story in ([said(COMPLETED), said(PARTIAL, remains=3)], [said(CANCELED)], [said(PARTIAL, remains=333)]):
        heard(shop, bought(shop, alice, quantity=777), *story)
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
