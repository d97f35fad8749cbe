"""The lines of a wallet: one for each transfer that touched it, in the order in which its balance moved."""

from collections.abc import Iterator
from decimal import Decimal
from threading import Event, Thread

import pytest
from django.db import Error, connection, transaction

from billing import ledger
from billing.audit import EQUATIONS, check
from billing.ledger import Posting
from billing.models import Account, AccountKind, Code, Hold, WalletLine
from core.clock import database_now
from storefront.database_roles import grant_rights
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE
from tests.billing import cast
from tests.billing.cast import balance, customer, money, own
from tests.billing.test_races import all_at_once
from tests.billing.test_renames import migrate
from tests.roles import as_role, superuser_session

pytestmark = pytest.mark.django_db(transaction=True)


def lines_of(wallet: int) -> list[WalletLine]:
    return list(WalletLine.objects.filter(wallet=wallet).order_by("number"))


def add_up(wallet: int) -> None:
    """Each line goes on where the one before it stopped, and the last one is where the wallet is."""
    account, lines = Account.objects.get(pk=wallet), lines_of(wallet)
    assert [line.number for line in lines] == list(range(1, account.lines + 1))
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.transfer_id for line in lines} == {
        *account.transfers_in.values_list("pk", flat=True), *account.transfers_out.values_list("pk", flat=True)
    }  # fmt: skip
    before = Decimal(0)
    for line in lines:
        amount = line.transfer.amount if line.transfer.target_id == wallet else -line.transfer.amount
        assert line.balance == before + amount == line.added - line.spent + line.refunded - line.taken
        before = line.balance
    assert account.balance == before


def test_one_key_posted_50_times_at_once_and_once_more_after_a_crash_moves_the_wallet_once() -> None:
    alice = customer()
    wallet, owner = ledger.wallet_of(alice).pk, own(AccountKind.OWNER)
    gift = Posting("gift", Code.CREDIT, owner, wallet, money("5"), "gift")
    assert sum(all_at_once(lambda _n: ledger.post([gift]), threads=50)) == 1
    lost = Posting("lost", Code.CREDIT, owner, wallet, money("3"), "lost")
    with pytest.raises(Error, match="terminating connection|closed"):
        _post_and_die(lost)
    connection.close()
    assert [ledger.post([gift, lost]), ledger.post([gift, lost])] == [1, 0]
    assert balance(alice) == money("108")
    assert [line.transfer.key for line in lines_of(wallet)] == ["credit:start:alice@example.com", "gift", "lost"]
    add_up(wallet)


def _post_and_die(posting: Posting) -> None:
    """Lose the database session between the posting and its commit."""
    with transaction.atomic(), superuser_session(autocommit=True) as superuser, connection.cursor() as cursor:
        assert ledger.post([posting]) == 1
        cursor.execute("SELECT pg_backend_pid()")
        superuser.execute("SELECT pg_terminate_backend(%s)", cursor.fetchone())
        cursor.execute("SELECT 1")


def test_32_threads_leave_one_history_without_a_gap() -> None:
    alice = customer()
    wallet = ledger.wallet_of(alice).pk
    for kind in (AccountKind.HELD, AccountKind.REVENUE):
        own(kind)

    def trade(n: int) -> None:
        for again in range(4):
            reference = f"order:{n * 10 + again}"
            with transaction.atomic():
                cast.hold(alice, reference, money("0.5"))
            with transaction.atomic():
                ledger.post(ledger.settlement_postings(Hold.objects.get(pk=reference), money("0.2"), close=True))

    all_at_once(trade)
    assert len(lines_of(wallet)) == 1 + 32 * 4 * 2
    add_up(wallet)


def test_a_line_has_the_time_at_which_the_wallet_was_its_own() -> None:
    """The second of two transactions that began in the other order waits for the wallet, and its line for both."""
    alice = customer()
    wallet, owner = ledger.wallet_of(alice).pk, own(AccountKind.OWNER)
    waiting = Thread(target=_credit_elsewhere, args=(owner, wallet))
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=wallet)
        waiting.start()
        _until_somebody_waits()
        ledger.post([Posting("first", Code.CREDIT, owner, wallet, money("1"), "first")])
        released = database_now()
    waiting.join()
    _start, first, second = lines_of(wallet)
    assert [first.transfer.key, second.transfer.key] == ["first", "second"]
    assert second.transfer.created_at < first.transfer.created_at <= first.at <= second.at
    assert released <= second.at


def _credit_elsewhere(owner: int, wallet: int) -> None:
    try:
        ledger.post([Posting("second", Code.CREDIT, owner, wallet, money("1"), "second")])
    finally:
        connection.close()


def _until_somebody_waits() -> None:
    with superuser_session(autocommit=True) as session:
        waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"
        while session.execute(waits).fetchone() != (True,):
            pass


@pytest.fixture
def newest_schema(transactional_db: None) -> Iterator[None]:
    """Leave the database as it was, whatever the test did to it; a new table lacks the rights of the shop's role."""
    yield
    migrate()
    with as_role(OWNER_ROLE):
        grant_rights(SHOP_ROLE)


@pytest.mark.walk
def test_old_transfers_get_their_lines_while_the_shop_goes_on_posting(newest_schema: None) -> None:
    people = [customer(f"{name}@example.com") for name in ("alice", "bob", "carol")]
    wallets, owner = [ledger.wallet_of(person).pk for person in people], own(AccountKind.OWNER)
    empty = ledger.wallet_of(cast.customer("dora@example.com", "0"))
    cast.hold(people[0], "order:1", money("30"))
    ledger.post(ledger.settlement_postings(Hold.objects.get(), money("12.5"), close=True))
    migrate(("billing", "0009_wallets_of_old_customers"))
    over, begun = Event(), Event()

    def post(wallet: int, name: str) -> None:
        try:
            n = 0
            while not over.is_set():
                postings = [
                    Posting(f"{name}:{n}:in", Code.CREDIT, owner, wallet, money("2"), "in"),
                    Posting(f"{name}:{n}:out", Code.DEBIT, wallet, owner, money("1"), "out"),
                ]
                ledger.post(postings)
                n += 1
                if n == 20:
                    begun.set()
        finally:
            begun.set()
            connection.close()

    posting = [Thread(target=post, args=(w, f"{w}:{k}")) for w in wallets for k in range(2)]
    for thread in posting:
        thread.start()
    assert begun.wait(timeout=30)
    migrate()
    over.set()
    for thread in posting:
        thread.join()
    for wallet in [*wallets, empty.pk]:
        add_up(wallet)
    assert [len(lines_of(wallet)) > 40 for wallet in wallets] == [True] * 3
    assert lines_of(empty.pk) == []
    wanted = {"wallet_balances", "accounts_sum_to_zero", "billing_guards"}
    assert [f.name for f in check(EQUATIONS) if f.name in wanted and not f.holds] == []


def test_the_last_line_is_found_by_index_from_the_very_first_transfer_on() -> None:
    """A connection keeps its first plans, which Postgres made for a table that it believed to be empty."""
    wallet, owner = ledger.wallet_of(customer()).pk, own(AccountKind.OWNER)
    read = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'billing_walletline'"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(read)
        [(before,)] = cursor.fetchall()
        for n in range(12):
            ledger.post([Posting(f"gift {n}", Code.CREDIT, owner, wallet, money("1"), f"gift {n}")])
        cursor.execute(read)
        assert cursor.fetchall() == [(before,)]
