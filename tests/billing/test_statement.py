from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from billing import ledger
from billing.models import AccountKind, Code, Hold, Transfer
from billing.months import Month
from billing.queries import (
    balance_of,
    month_equation,
    months_of,
    open_holds_of,
    statement,
    statement_rows,
)
from core.clock import database_now
from tests.billing import cast
from tests.billing.cast import customer, money
from tests.roles import unguarded

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)


@pytest.fixture
def alice() -> User:
    return customer()


def dated(key: str, *when: int) -> None:
    """Put a transfer at a moment of the past, which only a test may do."""
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_walletline SET at = %s FROM billing_transfer t WHERE t.id = transfer_id AND t.key = %s",
            [datetime(*when, tzinfo=UTC), key],
        )


@pytest.fixture
def autumn(alice: User) -> User:
    """October: +100, order 1 for 30. November: order 1 refunds 12.5, order 2 for 10 stays open, −7.5 by the owner."""
    cast.hold(alice, "order:1", money("30"))
    ledger.post(ledger.settlement_postings(Hold.objects.get(), money("12.5"), close=True, memo="undelivered"))
    cast.hold(alice, "order:2", money("10"))
    ledger.debit(customer=alice, amount=money("7.5"), reason="Mistake", reference="d", actor="owner")
    dated("credit:start:alice@example.com", 2026, 10, 3, 9)
    dated("order:1:hold", 2026, 10, 31, 23, 59, 59)
    dated("order:1:release:12.50000", 2026, 11, 1)
    dated("order:2:hold", 2026, 11, 2)
    dated("debit:d", 2026, 11, 3)
    return alice


def test_somebody_without_a_wallet_has_nothing() -> None:
    nobody = User.objects.create_user("new@example.com")
    assert balance_of(nobody) == 0
    assert open_holds_of(nobody).holds == []
    assert statement(nobody).entries == []
    assert month_equation(nobody, NOVEMBER).balance == 0
    assert months_of(nobody, now=datetime(2026, 11, 22, tzinfo=UTC)) == [NOVEMBER]


def test_the_statement_runs_from_nothing_to_the_balance(autumn: User) -> None:
    entries = statement(autumn).entries
    assert [(e.code, e.amount, e.balance) for e in entries] == [
        (Code.DEBIT, money("-7.5"), money("65")),
        (Code.HOLD, money("-10"), money("72.5")),
        (Code.REFUND, money("12.5"), money("82.5")),
        (Code.HOLD, money("-30"), money("70")),
        (Code.CREDIT, money("100"), money("100")),
    ]
    assert entries[0].balance == balance_of(autumn)
    assert (entries[2].reference, entries[2].memo) == ("order:1", "undelivered")


def test_a_file_tells_the_same_from_the_other_end(autumn: User) -> None:
    assert list(statement_rows(autumn)) == statement(autumn).entries[::-1]


def test_what_is_left_out_still_counts_in_the_balance(autumn: User) -> None:
    entries = statement(autumn, month=NOVEMBER, codes=[Code.HOLD]).entries
    assert [(e.reference, e.balance) for e in entries] == [("order:2", money("72.5"))]


def test_a_month_begins_at_its_first_moment_and_ends_before_the_next(autumn: User) -> None:
    assert [e.key for e in statement(autumn, month=OCTOBER).entries] == [
        "order:1:hold",
        "credit:start:alice@example.com",
    ]
    assert statement(autumn, month=NOVEMBER).entries[-1].key == "order:1:release:12.50000"


def test_pages_join_without_a_gap(autumn: User) -> None:
    first = statement(autumn, per_page=2)
    second = statement(autumn, per_page=2, before=first.last.number)
    third = statement(autumn, per_page=2, before=second.last.number)
    pages = [first, second, third]
    assert [e for page in pages for e in page.entries] == statement(autumn).entries
    assert [(p.has_newer, p.has_older) for p in pages] == [(False, True), (True, True), (True, False)]
    assert statement(autumn, per_page=2, before=1).entries == []
    assert statement(autumn, per_page=2, after=third.entries[0].number) == second


def test_the_way_back_to_the_newest_page_ends_on_a_full_one(autumn: User) -> None:
    fourth = statement(autumn, per_page=3).entries[1]
    newest = statement(autumn, per_page=3, after=fourth.number)
    assert newest == statement(autumn, per_page=3)
    assert not newest.has_newer


@pytest.mark.parametrize("codes", [[Code.HOLD], [Code.REFUND, Code.LATE_REFUND], [Code.CREDIT, Code.DEBIT]])
def test_a_kind_is_paged_like_everything(autumn: User, codes: list[Code]) -> None:
    wanted = [e for e in statement(autumn).entries if e.code in codes]
    found, before = [], None
    while page := statement(autumn, codes=codes, per_page=1, before=before).entries:
        found, before = [*found, *page], page[-1].number
    assert found == wanted


def test_each_month_adds_up(autumn: User) -> None:
    october, november = month_equation(autumn, OCTOBER), month_equation(autumn, NOVEMBER)
    assert (october.opening, october.added, october.orders, october.balance) == (0, 100, 30, 70)
    assert (november.opening, november.orders, november.refunded, november.taken) == (
        70,
        10,
        money("12.5"),
        money("7.5"),
    )
    for m in (october, november):
        assert m.opening + m.added - m.orders + m.refunded - m.taken == m.balance
    assert november.balance == balance_of(autumn)


def test_every_code_that_touches_a_wallet_is_a_term_of_the_equation(autumn: User) -> None:
    wallet, gateway = autumn.wallet.pk, cast.own(AccountKind.GATEWAY)
    late = ledger.settlement_postings(Hold.objects.get(pk="order:1"), money("13"), close=True)
    posted = [
        *late,
        ledger.Posting("topup", Code.TOPUP, gateway, wallet, money("4"), "topup"),
        ledger.Posting("bonus", Code.BONUS, cast.own(AccountKind.BONUS), wallet, money("2"), "bonus"),
        ledger.Posting("chargeback", Code.CHARGEBACK, wallet, gateway, money("1"), "chargeback"),
        ledger.Posting("won", Code.CHARGEBACK_BACK, gateway, wallet, money("1"), "chargeback"),
        ledger.Posting("refund", Code.TOPUP_REFUND, wallet, gateway, money("0.5"), "topup"),
        ledger.Posting("back", Code.BONUS_BACK, wallet, cast.own(AccountKind.BONUS), money("0.25"), "topup"),
    ]
    assert ledger.post(posted) == 7
    shops_own = {Code.SETTLE, Code.CHARGEBACK_LOSS, Code.FEE, Code.TOPUP_FEE, Code.LOSS_BACK}
    assert {e.code for e in statement(autumn).entries} == set(Code) - shops_own
    m = month_equation(autumn, Month.of(database_now()))
    assert m.opening + m.added - m.orders + m.refunded - m.taken == m.balance == balance_of(autumn)
    entries = statement(autumn, month=m.month).entries

    def moved(*codes: Code) -> Decimal:
        return sum((abs(e.amount) for e in entries if e.code in codes), Decimal(0))

    assert m.added == moved(Code.CREDIT, Code.TOPUP, Code.BONUS, Code.CHARGEBACK_BACK) > 0
    assert m.refunded == moved(Code.REFUND, Code.LATE_REFUND) > 0
    assert m.taken == moved(Code.DEBIT, Code.CHARGEBACK, Code.TOPUP_REFUND, Code.BONUS_BACK) > 0
    assert m.orders == moved(Code.HOLD)


def test_months_go_back_to_the_first_movement(autumn: User) -> None:
    assert months_of(autumn, now=datetime(2027, 1, 5, tzinfo=UTC)) == [
        Month(2027, 1),
        Month(2026, 12),
        NOVEMBER,
        OCTOBER,
    ]


def test_a_month_is_cut_in_the_time_zone_of_the_shop(autumn: User) -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        # 23:59:59 of 31 October in London is 1 November in Tokyo.
        assert [e.reference for e in statement(autumn, month=NOVEMBER).entries][-1] == "order:1"
        assert month_equation(autumn, OCTOBER).orders == 0


def test_open_holds_are_listed_newest_first(alice: User) -> None:
    for number in (9, 10, 100):
        cast.hold(alice, f"order:{number}", money("1.5"))
    ledger.post(ledger.settlement_postings(Hold.objects.get(pk="order:10"), Decimal(0), close=True))
    open_holds = open_holds_of(alice)
    assert open_holds.total == money("3")
    assert [(h.reference, h.held) for h in open_holds.holds] == [("order:100", money("1.5")), ("order:9", money("1.5"))]


def test_nobody_reads_of_another_wallet(autumn: User) -> None:
    bob = customer("bob@example.com", "3")
    assert [e.amount for e in statement(bob).entries] == [money("3")]
    assert open_holds_of(bob).holds == []
    assert month_equation(bob, NOVEMBER).orders == 0


def test_a_page_costs_one_statement_however_long_the_history(autumn: User) -> None:
    assert Transfer.objects.count() > 4
    for read in (lambda: statement(autumn), lambda: month_equation(autumn, NOVEMBER), lambda: open_holds_of(autumn)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            read()
        assert len(asked) == 1


@given(st.text(max_size=12))
def test_what_stands_in_an_address_is_a_month_or_nothing(text: str) -> None:
    month = Month.parse(text)
    assert month is None or str(month) == text


@pytest.mark.parametrize(
    "text", ["2026-00", "2026-13", "0000-01", "9999-12", "2026-1", "٢٠٢٦-١١", "2026-11\n", "-2026-11"]
)
def test_impossible_months_are_nothing(text: str) -> None:
    assert Month.parse(text) is None


def test_december_is_followed_by_january() -> None:
    assert Month(2026, 12).end == datetime(2027, 1, 1, tzinfo=UTC)
