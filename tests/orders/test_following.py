"""Following and settling: the provider's words become states and money, towards a target, never twice."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.models import Account, AccountKind, Hold, Transfer
from catalog.account import read_balance
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import hearing, progress
from orders.models import EventKind, Order
from orders.states import Forward, Progress, face_of
from orders.timetable import backoff, next_poll
from tests.orders.cast import Shop, balance
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import Ignored, ItemError, Missing, OrderStatus, StatusItem
from upstream.states import OrderState

pytestmark = pytest.mark.django_db(transaction=True)


def placed(shop: Shop, alice: User, **wishes: object) -> Order:
    order = shop.buys(alice, **wishes)  # type: ignore[arg-type]
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    return order


def heard(shop: Shop, order: Order, *items: StatusItem) -> Order:
    for item in items:
        now = database_now()
        hearing.apply({order.pk: item}, provider=shop.provider, asked_at=now, now=now)
    order.refresh_from_db()
    return order


def said(state: OrderState, **facts: object) -> OrderStatus:
    return OrderStatus(state=state, raw_state=state.value, **facts)  # type: ignore[arg-type]


PARTIAL, COMPLETED, CANCELED = OrderState.PARTIAL, OrderState.COMPLETED, OrderState.CANCELED
IN_PROGRESS, PENDING = OrderState.IN_PROGRESS, OrderState.PENDING


def test_an_order_is_followed_to_its_end_and_earned(shop: Shop, alice: User) -> None:
    order = placed(shop, alice, link="https://example.com/p/1?fate=completed&after=4")
    shop.simulator.control(advance=2)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.IN_PROGRESS
    assert order.start_count is not None
    assert Hold.objects.get().earned == 0
    shop.simulator.control(advance=10)
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.delivered, order.returned) == (Progress.COMPLETED, 1000, 0)
    assert Hold.objects.get().earned == order.charge
    kinds = list(order.events.values_list("kind", flat=True))
    assert kinds[-1] == EventKind.FINISHED
    assert EventKind.STARTED in kinds


def test_a_partial_order_pays_back_what_did_not_arrive(shop: Shop, alice: User) -> None:
    order = placed(shop, alice, link="https://example.com/p/1?fate=partial:157&after=4")
    shop.simulator.control(advance=20)
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.delivered) == (Progress.PARTIAL, 843)
    assert order.returned == Decimal("0.18369")
    assert balance(alice) == Decimal(100) - Decimal("0.98631")
    hold = Hold.objects.get()
    assert hold.charged == hold.earned + hold.refunded


def test_a_canceled_order_pays_everything_back(shop: Shop, alice: User) -> None:
    order = placed(shop, alice, link="https://example.com/p/1?fate=canceled&after=4")
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
        ([said(OrderState.REFUNDED, remains=1000, charge=Decimal(0))], "1000"),
        ([said(IN_PROGRESS, remains=500), said(PENDING, remains=1000)], "0"),
        ([said(OrderState.FAILED, remains=1000)], "0"),
    ],
)
def test_money_follows_the_largest_target_and_no_sum_of_answers(
    shop: Shop, alice: User, story: list[OrderStatus], refunds: str
) -> None:
    order = heard(shop, placed(shop, alice), *story)
    due = (order.charge * Decimal(refunds) / 1000).quantize(Decimal("0.00001"), rounding="ROUND_FLOOR")
    assert order.returned == due
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
        said(OrderState.EXPIRED, children=()),
    ],
)
def test_an_end_whose_money_is_unclear_keeps_the_money_held_for_a_person(
    shop: Shop, alice: User, unclear: OrderStatus
) -> None:
    order = heard(shop, placed(shop, alice), unclear, unclear)
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
    order = heard(shop, placed(shop, alice), said(IN_PROGRESS, remains=500), nothing)
    assert order.progress == Progress.IN_PROGRESS
    assert (order.returned, order.poll_misses) == (0, 1)
    order = heard(shop, order, *[nothing] * 9)
    assert order.needs_review
    assert Hold.objects.get().refunded == 0


def test_an_order_that_stays_unknown_after_an_outage_is_told_to_the_owner(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    batch = progress.Batch(shop.provider, {str(order.upstream_id): order.pk}, database_now())
    for _time in range(11):
        progress.failed(batch, Unavailable("timeout", outage=True), now=database_now())
    order = heard(shop, order, ItemError(ErrorClass.UNKNOWN_ORDER))
    assert order.poll_misses == 12
    assert order.needs_review


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
    order = heard(shop, placed(shop, alice), *unclear)
    assert order.needs_review
    assert heard(shop, order, clear).needs_review == ""


def test_an_unknown_word_is_told_to_the_owner_once(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    heard(shop, order, Ignored("unknown_state", "Wird geliefert"), Ignored("unknown_state", "Wird geliefert"))
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:unknown_state").count() == 1


def test_an_answer_asked_for_before_the_last_one_applied_changes_nothing(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    early = database_now()
    heard(shop, order, said(COMPLETED))
    hearing.apply({order.pk: said(CANCELED)}, provider=shop.provider, asked_at=early, now=database_now())
    order.refresh_from_db()
    assert order.progress == Progress.COMPLETED
    assert balance(alice) == 100 - order.charge


def test_an_order_of_another_provider_is_never_touched(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    stranger = type(shop.provider)(name="Other", url=shop.provider.url, sealed_key="x")
    stranger.save()
    now = database_now()
    hearing.apply({order.pk: said(CANCELED)}, provider=stranger, asked_at=now, now=now)
    assert balance(alice) == 100 - order.charge


def test_a_charge_above_the_expected_cost_is_a_loss_alert_and_not_the_customers(shop: Shop, alice: User) -> None:
    order = heard(shop, placed(shop, alice), said(IN_PROGRESS, charge=Decimal("1.05"), remains=10))
    assert order.provider_charge == Decimal("1.05")
    assert order.returned == 0
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_a_foreign_currency_is_no_arithmetic(shop: Shop, alice: User) -> None:
    strange = said(COMPLETED, charge=Decimal("25.10"), currency="RUB", flags=("currency_differs",))
    order = heard(shop, placed(shop, alice), strange)
    assert order.provider_charge is None
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:order_currency").exists()
    assert order.progress == Progress.COMPLETED


def test_a_foreign_currency_of_orders_is_told_once_though_the_account_names_ours(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    for remains in (900, 500, 100):
        heard(shop, order, said(IN_PROGRESS, remains=remains, currency="RUB", flags=("currency_differs",)))
        read_balance(shop.provider, now=database_now())
    assert [alert.closed_at for alert in Alert.objects.filter(cause__endswith="currency")] == [None]


def test_delivery_after_a_refund_is_told_as_a_loss(shop: Shop, alice: User) -> None:
    order = heard(shop, placed(shop, alice), said(CANCELED), said(COMPLETED, charge=Decimal("0.90")))
    assert order.progress == Progress.CANCELED
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_a_hundred_ids_go_in_one_call_and_every_order_gets_its_turn(shop: Shop, alice: User, settings: Any) -> None:
    settings.POLL_SECONDS = 600
    for number in range(130):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{number}")
    while shop.forwards():
        pass
    before = shop.simulator.record()["requests"]["actions"].get("status", 0)
    assert shop.follows() == 130
    assert shop.simulator.record()["requests"]["actions"]["status"] - before == 2


def test_a_call_that_fails_whole_changes_no_order(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    shop.simulator.control(script=["h502_html"], actions=["status"])
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.poll_misses) == ("", 1)
    assert order.next_poll_at is not None


def test_an_order_asked_about_in_vain_is_shown_to_a_person_whatever_the_tenth_answer_was(
    shop: Shop, alice: User
) -> None:
    """A panel was put back from a backup: first it was away, then it had never heard of the order."""
    order = placed(shop, alice)
    shop.simulator.control(script=["h502_html"] * 12, actions=["status"])
    for _ in range(12):
        shop.follows()
    order = heard(shop, order, ItemError(ErrorClass.UNKNOWN_ORDER))
    assert (order.poll_misses, order.progress) == (13, "")
    assert order.needs_review == "10 polls in a row: unknown_order"


def test_a_panel_whose_answers_cannot_be_read_is_shown_to_a_person_by_its_orders(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = placed(shop, alice)
    monkeypatch.setattr(ProviderClient, "status", _unreadable)
    for _ in range(9):
        shop.follows()
    assert not Order.objects.get().needs_review
    shop.follows()
    order.refresh_from_db()
    assert (order.needs_review, order.progress) == ("10 polls in a row: no usable answer", "")


def _unreadable(_client: ProviderClient, _order_id: str) -> StatusItem:
    raise Unavailable("not_json", "HTTP 200")


def test_a_panel_that_fails_a_call_for_one_unknown_id_is_asked_in_halves(shop: Shop, alice: User) -> None:
    orders = [placed(shop, alice, link=f"https://example.com/p/{n}?fate=completed&after=1") for n in range(4)]
    stranger = orders[0]
    Order.objects.filter(pk=stranger.pk).update(forward_state=Forward.PLACED)
    shop.simulator.control(advance=20)
    shop.simulator.control(script=["batch_error"], actions=["status"])
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 4


def test_final_orders_are_watched_for_thirty_days_and_then_left(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    now = database_now()
    gaps = []
    for age in (timedelta(hours=2), timedelta(days=3), timedelta(days=20)):
        again = next_poll(order_id=order.pk, since=now, now=now, finished_at=now - age)
        assert again is not None
        gaps.append(again - now)
    assert gaps == sorted(gaps)
    assert next_poll(order_id=order.pk, since=now, now=now, finished_at=now - timedelta(days=31)) is None


def test_old_open_orders_are_asked_about_ever_more_rarely_but_always(shop: Shop) -> None:
    now = database_now()
    ages = (timedelta(minutes=1), timedelta(hours=5), timedelta(days=3), timedelta(days=300))
    gaps = [next_poll(order_id=7, since=now - age, now=now) for age in ages]
    assert all(gaps)
    assert gaps == sorted(gaps)  # type: ignore[type-var]
    missed = next_poll(order_id=7, since=now, now=now, misses=40)
    assert missed is not None
    assert missed - now <= timedelta(seconds=30 * 1.1)


def test_a_try_backs_off_to_ten_minutes_and_listens_to_the_provider() -> None:
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 50)] == [2, 4, 8, 600]
    assert backoff(1, retry_after=90).total_seconds() == 90
    assert backoff(1, retry_after=10**9).total_seconds() == 3600


def test_every_pair_of_states_has_a_face() -> None:
    for forward in Forward:
        for heard_of in ("", *Progress):
            assert face_of(forward, heard_of).word


def test_all_accounts_sum_to_zero_after_all_this(shop: Shop, alice: User) -> None:
    for story in ([said(COMPLETED), said(PARTIAL, remains=3)], [said(CANCELED)], [said(PARTIAL, remains=333)]):
        heard(shop, placed(shop, alice, quantity=777), *story)
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


def test_polling_claims_before_it_asks(shop: Shop, alice: User) -> None:
    order = placed(shop, alice)
    now = database_now()
    Order.objects.update(next_poll_at=now)
    batch = progress.claim_batch(shop.provider, now=now)
    assert list(batch.ids.values()) == [order.pk]
    assert progress.claim_batch(shop.provider, now=now).ids == {}


def test_what_was_bought_from_a_provider_that_is_inactive_now_is_settled(shop: Shop, alice: User) -> None:
    order = placed(shop, alice, link="https://example.com/p/1?fate=partial:157&after=1")
    type(shop.provider).objects.update(is_active=False)
    shop.simulator.control(advance=30)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.PARTIAL
    assert order.returned > 0


def test_a_provider_that_knows_none_of_our_orders_is_told_to_the_owner(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        placed(shop, alice, quantity=10, link=f"https://example.com/p/{number}")
    told = Alert.objects.filter(cause=f"provider:{shop.provider.pk}:knows_none", closed_at=None)
    honest = ProviderClient.statuses
    unknown = ItemError(ErrorClass.UNKNOWN_ORDER, "Incorrect order ID")
    monkeypatch.setattr(ProviderClient, "statuses", lambda _client, ids: dict.fromkeys(ids, unknown))
    shop.follows()
    assert told.count() == 1
    assert not Order.objects.exclude(returned=0).exists()
    monkeypatch.setattr(ProviderClient, "statuses", honest)
    shop.follows()
    assert not told.exists()


def test_a_panel_that_takes_fewer_ids_is_asked_for_fewer(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(23):
        placed(shop, alice, quantity=10, link=f"https://example.com/p/{number}?fate=completed&after=1")
    shop.simulator.control(advance=30)
    _fail_calls(monkeypatch, lambda ids: len(ids) > 10 and ErrorClass.BATCH_TOO_LARGE)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 23
    shop.provider.refresh_from_db()
    assert 5 <= shop.provider.batch_size <= 10


def test_one_id_that_spoils_a_call_in_any_language_keeps_no_other_waiting(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [placed(shop, alice, link=f"https://example.com/p/{n}?fate=completed&after=1") for n in range(7)]
    shop.simulator.control(advance=30)
    dead = orders[3].upstream_id
    _fail_calls(monkeypatch, lambda ids: dead in ids and len(ids) > 1 and ErrorClass.OTHER)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 7


@pytest.mark.parametrize(
    "failure",
    [Unavailable("error", "Incorrect request", error_class=ErrorClass.UNSUPPORTED), Unavailable("rows_without_ids")],
)
def test_a_panel_that_cannot_tell_of_several_orders_is_asked_one_by_one(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch, failure: Unavailable
) -> None:
    for number in range(5):
        placed(shop, alice, quantity=10, link=f"https://example.com/p/{number}?fate=completed&after=1")
    shop.simulator.control(advance=30)

    def statuses(_client: ProviderClient, _ids: Sequence[str]) -> dict[str, StatusItem]:
        raise failure

    monkeypatch.setattr(ProviderClient, "statuses", statuses)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 5


def _fail_calls(monkeypatch: pytest.MonkeyPatch, judge: Callable[[Sequence[str]], ErrorClass | bool]) -> None:
    """Let whole calls about several orders fail with the class that ``judge`` names."""
    honest = ProviderClient.statuses

    def statuses(client: ProviderClient, ids: Sequence[str]) -> dict[str, StatusItem]:
        error = judge(ids)
        if error:
            raise Unavailable("error", "Sipariş bulunamadı", error_class=ErrorClass(error))
        return honest(client, ids)

    monkeypatch.setattr(ProviderClient, "statuses", statuses)


def test_calls_that_are_slower_than_the_pace_end_with_the_time(shop: Shop, alice: User, settings: Any) -> None:
    """A turn is then always free, and a backlog would be worked off until the worker is killed."""
    settings.POLL_LANES = 1
    for n in range(6):
        shop.buys(alice, quantity=100, link=f"https://example.com/slow/{n}")
    shop.forwards()
    Provider.objects.update(batch_size=1)
    Order.objects.update(next_poll_at=database_now())
    shop.simulator.control(latency_ms={"status": 400})
    assert 1 <= progress.follow_due(seconds=0.6) <= 3
