"""The audit of what has changed: every hour, quick, and decided by an audit of everything."""

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import User
from billing.equations import Finding
from catalog.models import Service
from core.clock import database_now
from notices import causes
from notices.models import Alert
from orders import auditing
from orders.models import AuditState, Order
from orders.states import Outcome, Progress
from storefront import rounds
from tests.billing import cast
from tests.billing.damages import damage

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Clock:
    """Audits as the rounds run them, hour by hour; none of them is the one after a night, unless a test says so."""

    def __init__(self) -> None:
        today = timezone.localtime(database_now()).replace(hour=auditing.NIGHT, minute=30, second=0, microsecond=0)
        self.now: datetime = today

    def audit(self) -> list[Finding]:
        self.now += HOUR
        return auditing.audit_due(now=self.now)

    def failed(self) -> set[str]:
        return {f.name for f in self.audit() if not f.holds}


@pytest.fixture
def alice() -> User:
    return cast.customer()


@pytest.fixture
def service() -> Service:
    return cast.service()


@pytest.fixture
def clock(alice: User, service: Service) -> Clock:
    """A shop with an old order, certified by an audit of everything."""
    order = cast.order(alice, service)
    cast.placed(order, "9001", progress=Progress.COMPLETED)
    cast.settled(order, "0.25")
    clock = Clock()
    auditing.audit_due(now=clock.now)  # This one only makes the row.
    assert clock.failed() == set()
    return clock


def old_order() -> Order:
    return Order.objects.order_by("pk")[0]


def is_alerted() -> bool:
    return Alert.objects.filter(cause=causes.BOOKS_DO_NOT_ADD_UP.key, closed_at=None).exists()


def looked_at(findings: list[Finding]) -> dict[str, int]:
    return {f.name: f.looked_at for f in findings}


def test_it_looks_only_at_what_has_changed(clock: Clock, alice: User, service: Service) -> None:
    assert looked_at(clock.audit())["keys_parse"] == 0
    fresh = cast.order(alice, service)
    found = looked_at(clock.audit())
    assert (found["orders_have_their_hold"], found["keys_parse"], found["lines_follow_transfers"]) == (1, 1, 1)
    cast.placed(fresh, "9002", progress=Progress.COMPLETED)
    cast.settled(fresh)
    found = looked_at(clock.audit())
    assert (found["orders_have_their_hold"], found["keys_parse"]) == (1, 2)
    for _hour in range(2):
        clock.audit()
    assert looked_at(clock.audit())["orders_have_their_hold"] == 0


def test_the_sums_that_are_kept_agree_with_all_transfers(clock: Clock, alice: User, service: Service) -> None:
    for number in range(9100, 9104):
        order = cast.order(alice, service)
        cast.placed(order, str(number), progress=Progress.COMPLETED)
        cast.settled(order, "0.5")
        assert clock.failed() == set()
    state = AuditState.objects.get()
    kept, full_at = state.sums, state.full_at
    auditing._certify(state, state.certified, state.noted)
    assert AuditState.objects.get().sums == kept
    assert full_at is not None
    assert clock.now - full_at == 4 * HOUR


OLD = [
    ("UPDATE billing_transfer SET amount = amount + 1 WHERE code = 'settle'", "holds"),
    ("UPDATE billing_walletline SET spent = 0 WHERE code = 'hold'", "lines_follow_transfers"),
    ("UPDATE orders_order SET charge = 2", "orders_have_their_hold"),
    ("UPDATE orders_forwardattempt SET upstream_id = '77'", "placed_orders_have_their_id"),
]


@pytest.mark.parametrize(("statement", "name"), OLD, ids=[name for _statement, name in OLD])
def test_damage_to_an_old_row_is_found_at_night(clock: Clock, statement: str, name: str) -> None:
    damage(statement)
    assert clock.failed() == set()
    assert not is_alerted()
    clock.now += 24 * HOUR
    assert name in clock.failed()
    assert is_alerted()


NEW = [
    ("UPDATE billing_account SET balance = balance + 1 WHERE kind = 'wallet'", "wallet_balances"),
    ("UPDATE billing_hold SET refunded = 0", "held_account"),
    ("DELETE FROM billing_transfer WHERE id = (SELECT max(id) FROM billing_transfer)", "lines_follow_transfers"),
]


@pytest.mark.parametrize(("statement", "name"), NEW, ids=[name for _statement, name in NEW])
def test_some_damage_shows_in_what_every_hour_looks_at(
    clock: Clock, alice: User, service: Service, statement: str, name: str
) -> None:
    cast.order(alice, service)
    damage(statement)
    assert name in clock.failed()
    assert is_alerted()


def test_an_old_order_is_looked_at_again_when_something_happens_to_it(clock: Clock) -> None:
    order = old_order()
    cast.refill_attempt(cast.refill(order))
    cast.settled(order, "0.3")
    damage("UPDATE orders_order SET charge = 2 WHERE id = %s", order.pk)
    assert "orders_have_their_hold" in clock.failed()


def test_an_order_on_its_way_is_looked_at_whatever_its_age(clock: Clock, alice: User, service: Service) -> None:
    order = cast.order(alice, service)
    for _hour in range(3):
        assert clock.failed() == set()
    cast.end(cast.sending(order), Outcome.IN_DOUBT)
    assert "states_match_attempts" in clock.failed()


def test_a_transfer_that_was_committed_late_is_no_false_alarm(clock: Clock, alice: User, service: Service) -> None:
    """It has a lower id than the certified ones, so the kept sums lack it: the audit of everything sees them right."""
    cast.order(alice, service)
    state = AuditState.objects.get()
    later = {name: number + 1 for name, number in state.noted.items()}
    AuditState.objects.update(certified=later, noted=later)
    assert clock.failed() == set()
    assert not is_alerted()
    assert AuditState.objects.get().full_at == clock.now
    assert clock.failed() == set()


def test_the_alert_names_the_rows_and_closes_when_all_adds_up(clock: Clock) -> None:
    damage("UPDATE billing_account SET balance = balance + 1 WHERE kind = 'wallet'")
    clock.audit()
    alert = Alert.objects.get(cause=causes.BOOKS_DO_NOT_ADD_UP.key)
    assert "wallet_balances" in alert.title
    assert "alice@example.com" in alert.body
    damage("UPDATE billing_account SET balance = balance - 1 WHERE kind = 'wallet'")
    clock.now += 24 * HOUR
    clock.audit()
    assert not is_alerted()


def test_a_clock_that_once_ran_ahead_delays_no_audit(clock: Clock) -> None:
    statement, name = "UPDATE billing_account SET balance = balance + 1 WHERE kind = 'wallet'", "wallet_balances"
    far = clock.now + timedelta(days=400)
    AuditState.objects.update(next_at=far, full_at=far)
    damage(statement)
    assert name in clock.failed()
    assert AuditState.objects.get().full_at == clock.now


def test_two_rounds_at_once_audit_once(clock: Clock) -> None:
    assert clock.audit()
    assert auditing.audit_due(now=clock.now) == []


def test_both_kinds_of_rounds_audit() -> None:
    for number, run in enumerate((rounds.work_round, rounds.ring_round)):
        AuditState.objects.update_or_create(pk=1, defaults={"next_at": database_now(), "full_at": None})
        run()
        assert AuditState.objects.get().full_at is not None, number


def test_the_command_checks_what_has_changed(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit", "--changed")
    assert "equations hold" in capsys.readouterr().out
    AuditState.objects.all().delete()
    with pytest.raises(CommandError, match="without --changed"):
        call_command("audit", "--changed")
