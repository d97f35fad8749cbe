"""The audit is quiet about a sound shop and names every kind of damage."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from accounts.models import User
from billing.audit import NAMED
from catalog.models import Service
from core.clock import database_now
from orders import auditing
from orders.models import AuditState, Order
from orders.states import Forward, Outcome, Progress
from tests.billing import cast
from tests.billing.damages import DAMAGES, money_out_of_nowhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return cast.customer()


@pytest.fixture
def service() -> Service:
    return cast.service()


@pytest.fixture
def shop(alice: User, service: Service) -> dict[str, Order]:
    """One order in each situation there is."""
    made = {
        name: cast.order(alice, service)
        for name in ("queued", "doubted", "refused", "completed", "partial", "by_hand", "tried")
    }
    cast.doubted(made["doubted"])
    refused = cast.sending(made["refused"])
    cast.end(refused, Outcome.REFUSED)
    cast.move(made["refused"], Forward.REFUSED)
    cast.settled(made["refused"], "1")
    cast.placed(made["completed"], "9001", progress=Progress.COMPLETED)
    cast.settled(made["completed"])
    cast.placed(made["partial"], "9002", progress=Progress.PARTIAL)
    cast.settled(made["partial"], "0.25")
    cast.placed(made["by_hand"], "9004", progress=Progress.PARTIAL, remains=250)
    cast.settled(made["by_hand"], "0.25", missing_by_hand=250, reviewed="partial without a readable remains")
    unsent = cast.sending(made["tried"])
    cast.end(unsent, Outcome.NOT_SENT, send_calls=0)
    cast.move(made["tried"], Forward.QUEUED)
    cast.attempt(made["tried"], 2)
    cast.move(made["tried"], Forward.CLAIMED)
    cast.refill_attempt(cast.refill(made["completed"]))
    return made


def audit() -> tuple[dict[str, Any], str]:
    out = StringIO()
    try:
        call_command("audit", "--json", stdout=out)
        problem = ""
    except CommandError as error:
        problem = str(error)
    found: dict[str, Any] = json.loads(out.getvalue())
    return {c["name"]: c for c in found["checks"]}, problem


def broken() -> set[str]:
    checks, problem = audit()
    names = {name for name, check in checks.items() if not check["holds"]}
    assert bool(problem) == bool(names)
    return names


def test_a_sound_shop_passes(shop: dict[str, Order]) -> None:
    out = StringIO()
    call_command("audit", stdout=out)
    assert "equations hold" in out.getvalue()
    checks, problem = audit()
    assert problem == ""
    assert checks["orders_have_their_hold"]["looked_at"] == 7
    assert checks["decisions_are_paid"]["looked_at"] == 1
    assert checks["keys_parse"]["looked_at"] > 6


def test_an_empty_shop_passes(db: None) -> None:
    assert broken() == set()


def test_each_damage_is_found_under_its_name(shop: dict[str, Order], alice: User, subtests: pytest.Subtests) -> None:
    """The audit of what has changed, for which all of this shop is new, doubts it; that of everything names it all."""
    for name, hurt, names in DAMAGES:
        with subtests.test(name), transaction.atomic():
            hurt(shop, alice)
            found, hourly = broken(), doubted()
            transaction.set_rollback(True)
            assert found == names
            assert hourly & names
        for order in shop.values():
            order.refresh_from_db()


def doubted() -> set[str]:
    state = AuditState.objects.first() or AuditState(next_at=database_now())
    return {f.name for f in auditing.audit_changes(state) if not f.holds}


def test_every_equation_has_damage_that_breaks_it() -> None:
    checks, _problem = audit()
    assert set(checks) == {name for _name, _hurt, names in DAMAGES for name in names}


def test_the_broken_row_is_named_and_the_exit_status_says_so(shop: dict[str, Order], alice: User) -> None:
    money_out_of_nowhere(shop, alice)
    out = StringIO()
    with pytest.raises(
        CommandError, match=r"3 of \d+ equations fail: accounts_sum_to_zero, wallet_balances, wallet_lines"
    ) as failure:
        call_command("audit", stdout=out)
    assert failure.value.returncode == 1
    assert "FAILS  wallet_balances" in out.getvalue()
    assert "(alice@example.com): balance" in out.getvalue()


def test_many_broken_rows_are_counted_and_the_first_named(alice: User, service: Service) -> None:
    for _ in range(NAMED + 5):
        cast.order_row(alice, service)
    found = audit()[0]["orders_have_their_hold"]
    assert (found["broken"], len(found["rows"])) == (NAMED + 5, NAMED)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit", stdout=out)
    assert "and 5 more" in out.getvalue()
