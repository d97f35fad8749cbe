"""Fresh deposits that cannot be spent yet: held by rules, and checked by the statement that places an order."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from api import limits
from billing import ledger
from billing.ledger import DepositHeld, NotEnoughMoney
from billing.models import Account, AccountKind, DepositRule, HeldDeposit, PaymentMethod, TopUp
from billing.queries import balance_of, funds_of
from billing.topups import holding, refunding
from billing.topups.applying import apply
from core.clock import database_now
from core.models import StaffAction
from core.refusals import NoReason
from core.staff_actions import shell_actor
from orders.models import Order
from pages.models import TermsVersion
from pages.terms import accept_terms
from tests.api.cast import Panel, key_for
from tests.battery.shop_time import turned_clock
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, looked, method, reading, started
from tests.orders.mass.cast import lines_for, places
from tests.pages.cast import Orders, customer, stock
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)

CHARGE = Decimal("1.859")
AT_ONCE = 50


@pytest.fixture
def alice() -> User:
    return customer(money="0")


@pytest.fixture
def orders(alice: User) -> Orders:
    """Each order costs 1.859."""
    ledger.own_account_id(AccountKind.HELD)
    return Orders(alice, stock()[0])


@pytest.fixture
def demo() -> PaymentMethod:
    return method()


def paid(who: User, by: PaymentMethod, amount: str = "20") -> TopUp:
    topup = started(who, by, amount)
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def spendable_of(who: User) -> Decimal:
    return funds_of(who).spendable


def figures(who: User, *topups: TopUp) -> tuple[Any, ...]:
    """The balance, what of it can be spent, and what is held of these top-ups."""
    return balance_of(who), spendable_of(who), *(HeldDeposit.objects.get(topup=topup).amount for topup in topups)


def test_without_a_rule_nothing_is_held(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=24, is_on=False)
    paid(alice, demo)
    assert not HeldDeposit.objects.exists()
    assert Account.objects.get(customer=alice).held_until is None
    assert orders.queued().charge == CHARGE


def test_a_held_deposit_is_in_the_wallet_and_buys_nothing(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=24)
    topup = paid(alice, demo)
    assert figures(alice, topup) == (20, 0, 20)
    with pytest.raises(DepositHeld):
        orders.queued()
    with pytest.raises(NotEnoughMoney) as short:
        orders.queued(quantity=50_000)
    assert not isinstance(short.value, DepositHeld)
    assert not Order.objects.exists()
    assert broken() == []


def test_other_money_can_be_spent_to_the_last_cent(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=24)
    paid(alice, demo)
    ledger.credit(customer=alice, amount=CHARGE, reason="gift", reference="g", actor="owner")
    assert spendable_of(alice) == CHARGE
    orders.queued()
    assert figures(alice) == (20, 0)
    with pytest.raises(DepositHeld):
        orders.queued()


@pytest.mark.parametrize("way", ["form", "api", "api from memory"])
def test_fifty_orders_at_once_never_spend_what_is_held(
    alice: User, demo: PaymentMethod, orders: Orders, way: str, settings: Any
) -> None:
    settings.API_RATE_PER_MINUTE = 0
    limits._own = limits.OwnBuckets()
    DepositRule.objects.create(hours=24)
    ledger.credit(customer=alice, amount=5 * CHARGE, reason="gift", reference="g", actor="owner")
    key = key_for(alice)
    fields: dict[str, Any] = {"service": orders.service.pk, "link": "https://instagram.com/a", "quantity": "1000"}
    if way == "api from memory":
        assert "order" in Panel(key)("add", **fields)
        ledger.credit(customer=alice, amount=CHARGE, reason="gift", reference="h", actor="owner")
    paid(alice, demo)

    def order(_n: int) -> Any:
        if way == "form":
            try:
                return {"order": orders.queued().pk}
            except DepositHeld:
                return {"error": "held"}
        return Panel(key)("add", **fields)

    answers = all_at_once(order, AT_ONCE)
    assert sum("order" in answer for answer in answers) == 5
    text = "held" if way == "form" else "Not enough funds: a recent deposit cannot be spent yet"
    assert [a for a in answers if "order" not in a] == [{"error": text}] * (AT_ONCE - 5)
    assert figures(alice) == (20, 0)
    assert broken() == []


def test_mass_orders_at_once_never_spend_what_is_held(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=24)
    ledger.credit(customer=alice, amount=5 * CHARGE, reason="gift", reference="g", actor="owner")
    paid(alice, demo)
    prices = {orders.service.pk: CHARGE}

    def place(n: int) -> int:
        try:
            places(alice, lines_for(orders.service, 3, first=3 * n), shown=prices, nonce=str(n))
        except DepositHeld:
            return 0
        return 3

    assert sum(all_at_once(place, 8)) == Order.objects.count() == 3
    assert figures(alice) == (20 + 2 * CHARGE, 2 * CHARGE)
    assert broken() == []


def test_orders_at_the_moment_of_the_credit_never_spend_it(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    """Those that wait for the wallet while the credit is posted see the money and its hold together."""
    DepositRule.objects.create(hours=24)
    ledger.credit(customer=alice, amount=2 * CHARGE, reason="gift", reference="g", actor="owner")
    topup = started(alice, demo, "20")

    def act(n: int) -> bool:
        if n == 0:
            apply(topup.pk, reading(topup, "20"), cause="look", now=database_now())
            return False
        try:
            orders.queued()
        except NotEnoughMoney:
            return False
        return True

    assert sum(all_at_once(act, AT_ONCE)) == 2
    assert figures(alice) == (20, 0)
    assert broken() == []


def test_it_can_be_spent_when_the_time_has_come(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=3)
    with turned_clock() as clock:
        paid(alice, demo)
        [later] = holding.later_of(alice, now=database_now())
        assert later.amount == 20
        assert round((later.at - database_now()).total_seconds() / 3600) == 3
        with pytest.raises(DepositHeld):
            orders.queued()
        clock.advance(3 * 3600 + 60)
        assert holding.later_of(alice, now=database_now()) == []
        assert spendable_of(alice) == 20
        assert orders.queued().charge == CHARGE
    assert broken() == []


def test_two_deposits_come_free_one_after_the_other(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    long = DepositRule.objects.create(hours=48)
    with turned_clock() as clock:
        paid(alice, demo, "5")
        DepositRule.objects.filter(pk=long.pk).update(hours=3)
        paid(alice, demo, "10")
        assert [later.amount for later in holding.later_of(alice, now=database_now())] == [10, 5]
        clock.advance(4 * 3600)
        assert spendable_of(alice) == 10
        clock.advance(48 * 3600)
        assert spendable_of(alice) == 15


@pytest.mark.parametrize(
    ("rules", "hours"),
    [
        ([], 0),
        ([{"hours": 5}, {"hours": 9}], 9),
        ([{"hours": 9, "is_on": False}], 0),
        ([{"hours": 9, "least": Decimal("20.00001")}], 0),
        ([{"hours": 9, "least": Decimal(20)}], 9),
        ([{"hours": 9, "younger_than_days": 3}], 9),
        ([{"hours": 9, "younger_than_days": 2}], 0),
        ([{"hours": 9, "younger_than_days": 3, "least": Decimal(21)}, {"hours": 2}], 2),
    ],
)
def test_a_rule_fits_by_age_and_amount(
    alice: User, demo: PaymentMethod, rules: list[dict[str, Any]], hours: int
) -> None:
    for rule in rules:
        DepositRule.objects.create(**rule)
    User.objects.update(date_joined=database_now() - timedelta(days=2, hours=12))
    assert holding.hours_for(TopUp.objects.get(pk=started(alice, demo, "20").pk), now=database_now()) == hours


def test_a_rule_of_one_method_holds_no_other(alice: User, demo: PaymentMethod) -> None:
    DepositRule.objects.create(hours=9, method=method(name="Other"))
    paid(alice, demo)
    assert spendable_of(alice) == 20


def test_the_bonus_is_held_with_its_deposit(alice: User) -> None:
    DepositRule.objects.create(hours=9)
    topup = paid(alice, method(bonus_percent=Decimal(10)))
    assert figures(alice, topup) == (22, 0, 22)


def test_what_was_sent_back_is_not_held_any_more(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=9)
    topup = paid(alice, demo)
    ledger.credit(customer=alice, amount=CHARGE, reason="gift", reference="g", actor="owner")
    payment = topup.payments.get()
    refunding.ask_refund(
        topup_id=topup.pk, payment_id=payment.pk, amount=Decimal(20), actor=shell_actor(), reason="asked for it",
        now=database_now(),
    )  # fmt: skip
    assert figures(alice, topup) == (CHARGE, CHARGE, 0)
    orders.queued()


def test_a_chargeback_takes_what_is_held(alice: User, demo: PaymentMethod) -> None:
    DepositRule.objects.create(hours=9)
    topup = paid(alice, demo)
    DRIVERS["demo"].charges_back(topup)
    looked(topup)
    assert figures(alice, topup) == (0, 0, 0)
    assert broken() == []


def test_staff_release_a_deposit_once_with_a_reason(alice: User, demo: PaymentMethod, orders: Orders) -> None:
    DepositRule.objects.create(hours=9)
    topup = paid(alice, demo)

    def release(reason: str = "known for years") -> None:
        holding.release(topup_id=topup.pk, actor=shell_actor(), reason=reason, now=database_now())

    with pytest.raises(NoReason):
        release(" ")
    release()
    assert spendable_of(alice) == 20
    orders.queued()
    with pytest.raises(holding.CannotRelease):
        release()
    action = StaffAction.objects.get(action="deposit.release")
    assert (action.reason, action.object_id) == ("known for years", str(topup.pk))
    looked(topup)
    assert spendable_of(alice) == 20 - CHARGE


def test_an_order_of_a_wallet_without_held_deposits_reads_none(alice: User, orders: Orders) -> None:
    """The plan looks into the table only where the wallet says so."""
    ledger.credit(customer=alice, amount=Decimal(5), reason="gift", reference="g", actor="owner")
    sql = f"SELECT {ledger.SPENDABLE_SQL} FROM billing_account w WHERE w.customer_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {sql}", [alice.pk])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "billing_helddeposit" in plan
    assert "never executed" in plan


def test_the_start_of_a_topup_keeps_from_where(alice: User, demo: PaymentMethod, client: Any) -> None:
    terms = TermsVersion.objects.create(number=1, title="Terms", body="x", digest="d", published_by="staff:1")
    accept_terms(alice, terms, address="203.0.113.9", now=database_now())
    sign_in_customer(alice, client)
    nonce = client.get("/wallet/add/").context["nonce"]
    agent = "Mozilla/5.0 " + "x" * 400
    form = {"amount": "10", "method": demo.pk, "nonce": nonce}
    client.post("/wallet/add/", form, headers={"User-Agent": agent})
    topup = TopUp.objects.get()
    assert (topup.address, topup.terms_id, topup.device) == ("127.0.0.1", terms.pk, agent[:300])
