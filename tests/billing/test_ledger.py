from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import User
from billing import ledger
from billing.ledger import KeyReused, NotEnoughMoney, Posting, WalletFull
from billing.models import AccountKind, Code, Hold, Transfer
from tests.billing import cast
from tests.billing.cast import balance, customer, money, own

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer()


def hold(user: User, amount: str, reference: str = "order:1") -> Hold:
    cast.hold(user, reference, money(amount))
    return Hold.objects.get(pk=reference)


def test_a_credit_is_what_the_wallet_has(alice: User) -> None:
    assert balance(alice) == money("100")
    transfer = Transfer.objects.get()
    assert (transfer.code, transfer.memo, transfer.actor) == (Code.CREDIT, "Bank transfer", "owner")


def test_a_repeated_reference_credits_once(alice: User) -> None:
    credit = {"customer": alice, "amount": money("5"), "reason": "Sorry", "reference": "ticket:7", "actor": "owner"}
    assert [ledger.credit(**credit) for _ in range(3)] == [True, False, False]
    assert balance(alice) == money("105")


@pytest.mark.parametrize("change", [{"amount": Decimal(6)}, {"customer": "bob"}])
def test_a_reference_of_another_credit_is_an_error(alice: User, change: dict[str, object]) -> None:
    credit = {"customer": alice, "amount": money("5"), "reason": "Sorry", "reference": "ticket:7", "actor": "owner"}
    ledger.credit(**credit)
    if "customer" in change:
        change = {"customer": customer("bob@example.com", "0")}
    with pytest.raises(KeyReused), transaction.atomic():
        ledger.credit(**{**credit, **change})
    assert balance(alice) == money("105")


def test_a_key_reused_among_others_posts_none_of_them(alice: User) -> None:
    wallet = ledger.wallet_of(alice).pk
    owner = own(AccountKind.OWNER)
    with pytest.raises(KeyReused), transaction.atomic():
        ledger.post(
            [
                Posting("credit:new", Code.CREDIT, owner, wallet, money("1"), "credit:new"),
                Posting("credit:start:alice@example.com", Code.CREDIT, owner, wallet, money("2"), "credit:other"),
            ]
        )
    assert balance(alice) == money("100")


def test_a_credit_without_a_reason_is_refused(alice: User) -> None:
    with pytest.raises(ValueError, match="reason"):
        ledger.credit(customer=alice, amount=money("1"), reason="  ", reference="x", actor="owner")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "-Infinity", "0.000001", "1e12"])
def test_what_is_no_amount_is_never_posted(alice: User, amount: str) -> None:
    with pytest.raises(ValueError, match="cannot be posted"):
        ledger.credit(customer=alice, amount=Decimal(amount), reason="r", reference="x", actor="owner")
    assert balance(alice) == money("100")


def test_a_wallet_that_would_overflow_says_so(alice: User) -> None:
    with pytest.raises(WalletFull), transaction.atomic():
        ledger.credit(customer=alice, amount=Decimal("999999999999"), reason="r", reference="x", actor="owner")
    assert balance(alice) == money("100")


def test_a_debit_takes_no_more_than_there_is(alice: User) -> None:
    assert ledger.debit(customer=alice, amount=money("40"), reason="Mistake", reference="d1", actor="owner")
    with pytest.raises(NotEnoughMoney), transaction.atomic():
        ledger.debit(customer=alice, amount=money("60.00001"), reason="Mistake", reference="d2", actor="owner")
    assert balance(alice) == money("60")


def test_a_hold_reserves_the_whole_charge(alice: User) -> None:
    row = hold(alice, "30")
    assert (row.charged, row.earned, row.refunded) == (money("30"), 0, 0)
    assert balance(alice) == money("70")


def test_an_order_that_costs_more_than_there_is_holds_nothing(alice: User) -> None:
    with pytest.raises(NotEnoughMoney), transaction.atomic():
        hold(alice, "100.00001")
    assert balance(alice) == money("100")
    assert not Hold.objects.exists()


def test_a_completed_order_is_earned(alice: User) -> None:
    ledger.post(ledger.settlement_postings(hold(alice, "30"), Decimal(0), close=True))
    row = Hold.objects.get()
    assert (row.earned, row.refunded) == (money("30"), 0)
    assert balance(alice) == money("70")


def test_a_partial_order_is_earned_in_part_and_refunded_in_part(alice: User) -> None:
    ledger.post(ledger.settlement_postings(hold(alice, "30"), money("12.5"), close=True))
    row = Hold.objects.get()
    assert (row.earned, row.refunded) == (money("17.5"), money("12.5"))
    assert balance(alice) == money("82.5")


def test_a_late_partial_takes_from_what_was_earned(alice: User) -> None:
    ledger.post(ledger.settlement_postings(hold(alice, "30"), Decimal(0), close=True))
    ledger.post(ledger.settlement_postings(Hold.objects.get(), money("12.5"), close=True))
    row = Hold.objects.get()
    assert (row.earned, row.refunded) == (money("17.5"), money("12.5"))
    assert list(Transfer.objects.filter(reference="order:1").values_list("code", flat=True)) == [
        Code.LATE_REFUND,
        Code.SETTLE,
        Code.HOLD,
    ]


def test_two_refunds_under_different_keys_cannot_pay_back_twice(alice: User) -> None:
    hold(alice, "30")
    held, wallet = own(AccountKind.HELD), ledger.wallet_of(alice).pk
    ledger.post([Posting("order:1:release:a", Code.REFUND, held, wallet, money("30"), "order:1")])
    with pytest.raises(Exception, match="hold_never_overdrawn"), transaction.atomic():
        ledger.post([Posting("order:1:release:b", Code.REFUND, held, wallet, money("30"), "order:1")])
    assert balance(alice) == money("100")


def test_a_refund_goes_to_the_wallet_that_paid(alice: User) -> None:
    hold(alice, "30")
    bob = ledger.wallet_of(customer("bob@example.com", "0")).pk
    with pytest.raises(Exception, match="no hold"), transaction.atomic():
        ledger.post([Posting("order:1:release:a", Code.REFUND, own(AccountKind.HELD), bob, money("30"), "order:1")])
