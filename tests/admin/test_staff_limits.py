"""What staff move by hand stays within the limits of their roles, however many do it at once."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.urls import reverse

from accounts.models import MoneyByHand, StaffLimit, User
from accounts.staff_limits import OverLimit, used_today
from billing.by_hand import credit_by_hand, debit_by_hand
from billing.gateways.contract import ReadState
from billing.models import Account, TopUp, Wallet
from billing.topups import deciding, reviewing
from billing.topups.applying import apply
from billing.topups.deciding import may_decide
from billing.topups.vouchers import make_batch
from catalog.models import Service
from core.clock import database_now
from core.models import StaffAction
from core.staff_actions import Actor, shell_actor
from orders.refund_by_hand import refund_by_hand, refundable
from tests.billing import cast
from tests.billing.cast import balance, money
from tests.billing.topups.cast import DRIVERS, method, reading, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


def helper_with(per_day: str | None, per_action: str | None = None, email: str = "bob@example.com") -> User:
    """Staff of a group with these limits, who may move money."""
    person = User.objects.create_user(email, is_staff=True)
    group = Group.objects.create(name=f"Support of {email}")
    group.permissions.set(Permission.objects.filter(codename__in=("view_wallet", "change_wallet")))
    StaffLimit.objects.create(
        group=group, per_day=per_day and money(per_day), per_action=per_action and money(per_action)
    )
    person.groups.add(group)
    return person


def acts(person: User) -> Actor:
    return Actor(f"staff:{person.pk}", person.email)


def credits(person: User, to: User, amount: str, nonce: str = "") -> bool:
    return credit_by_hand(
        wallet=Wallet.objects.get(customer=to), amount=money(amount), reason="sorry",
        nonce=nonce or f"{StaffAction.objects.count()}", actor=acts(person),
    )  # fmt: skip


def test_a_day_is_used_up_and_the_refusal_is_kept(alice: User) -> None:
    bob = helper_with("50")
    assert credits(bob, alice, "30")
    assert credits(bob, alice, "20")
    with pytest.raises(OverLimit) as refused:
        credits(bob, alice, "0.00001")
    assert str(refused.value) == (
        "The limit of Support of bob@example.com is $50.00 a day, and $50.00 of it is used. This is $0.00001. "
        "Ask the owner."
    )
    assert balance(alice) == 150
    assert used_today(bob.pk) == 50
    row = StaffAction.objects.get(action="limit.refused")
    assert (row.actor, row.reason) == (f"staff:{bob.pk}", f"Refused: {refused.value}")
    assert row.after == {"action": "wallet.credit", "amount": "0.00001"}
    assert StaffAction.objects.filter(action="wallet.credit").count() == 2


def test_one_action_has_its_own_limit_and_what_is_refused_uses_nothing(alice: User) -> None:
    bob = helper_with("50", "20")
    with pytest.raises(OverLimit, match=r"is \$20.00 for one action, and this is \$20.01"):
        credits(bob, alice, "20.01")
    assert balance(alice) == 100
    assert used_today(bob.pk) == 0
    assert debit_by_hand(
        wallet=Wallet.objects.get(customer=alice), amount=money("20"), reason="wrong", nonce="d", actor=acts(bob)
    )
    assert balance(alice) == 80
    assert used_today(bob.pk) == 20


def test_a_repeat_counts_once(alice: User) -> None:
    bob = helper_with("50")
    assert credits(bob, alice, "30", "n")
    assert not credits(bob, alice, "30", "n")
    assert used_today(bob.pk) == 30


def test_yesterday_does_not_count(alice: User) -> None:
    bob = helper_with("50")
    credits(bob, alice, "50")
    MoneyByHand.objects.update(day="2026-01-01")
    credits(bob, alice, "50")
    assert MoneyByHand.objects.count() == 2


def test_the_strictest_of_several_groups_counts(alice: User) -> None:
    bob = helper_with("50", "5")
    loose = Group.objects.create(name="Loose")
    bob.groups.add(loose)
    with pytest.raises(OverLimit):
        credits(bob, alice, "6")
    StaffLimit.objects.create(group=loose, per_day=money("4"))
    with pytest.raises(OverLimit, match=r"The limit of Loose is \$4.00 a day"):
        credits(bob, alice, "5")


def test_owners_the_shell_and_groups_without_a_limit_have_none(alice: User, owner: User) -> None:
    free = helper_with(None)
    for actor in (acts(owner), shell_actor(), acts(free)):
        make_batch(
            name="b", amount=money("1000"), count=10, is_gift=False, good_until=None, actor=actor, now=database_now()
        )
    assert used_today(owner.pk) == 0
    assert used_today(free.pk) == 10_000


def test_a_refund_by_hand_counts(alice: User, service: Service) -> None:
    bob = helper_with("3")
    order = cast.order(alice, service, "4")
    cast.placed(order, "9001")

    def refunds(amount: str) -> Decimal:
        order.refresh_from_db()
        return refund_by_hand(
            order_id=order.pk, amount=money(amount), seen=refundable(order).seen, reason="late", actor=acts(bob),
            now=database_now(),
        )  # fmt: skip

    assert refunds("2") == 2
    with pytest.raises(OverLimit):
        refunds("1.5")
    order.refresh_from_db()
    assert order.refunded == 2
    assert used_today(bob.pk) == 2
    assert StaffAction.objects.get(action="limit.refused").object_id == str(order.pk)


@pytest.mark.django_db(transaction=True)
def test_an_approved_transfer_counts_with_its_bonus(alice: User) -> None:
    by = method("manual", name="Bank transfer", settings=DRIVERS["manual"].settings, bonus_percent=50)
    topup, bob = started(alice, by, "10"), helper_with("20", "12")
    given: dict[str, Any] = {"topup_id": topup.pk, "amount": Decimal(10), "reason": "", "now": database_now()}
    with pytest.raises(OverLimit):
        reviewing.approve(actor=acts(bob), **given)
    carl = helper_with("20", email="carl@example.com")
    reviewing.approve(actor=acts(carl), **given)
    assert balance(alice) == 115
    assert used_today(carl.pk) == 15
    assert used_today(bob.pk) == 0


@pytest.mark.django_db(transaction=True)
def test_an_accepted_payment_counts_with_its_bonus(alice: User, settings: Any) -> None:
    settings.DEMO = True
    topup, dora = started(alice, method(bonus_percent=50), "10"), helper_with("20", email="dora@example.com")
    held = reading(topup, "10", state=ReadState.HELD, why="Settled by hand.")
    for read in (held, reading(topup, "10")):
        apply(topup.pk, read, cause="look", now=database_now())
    assert may_decide(TopUp.objects.get())
    deciding.decide(topup_id=topup.pk, accept=True, actor=acts(dora), reason="it is there", now=database_now())
    assert balance(alice) == 115
    assert used_today(dora.pk) == 15


def test_the_page_says_why_and_keeps_what_was_typed(alice: User) -> None:
    bob = helper_with("50")
    client, wallet = sign_in_staff(bob), Account.objects.get(customer=alice)
    form = {"amount": "60", "reason": "Sorry", "nonce": "a" * 32, "confirmed": "1"}
    text = client.post(reverse("admin:billing_wallet_credit", args=[wallet.pk]), form).content.decode()
    assert "$50.00 a day" in text
    assert 'value="60"' in text
    assert balance(alice) == 100
    assert StaffAction.objects.filter(action="limit.refused", address="127.0.0.1").exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_never_pass_the_limit() -> None:
    """Each credits another wallet, so that they meet at the row of the day alone."""
    bob = helper_with("20")
    people = [cast.customer(f"c{n}@example.com", "0") for n in range(50)]
    done: list[bool] = []

    def one(n: int) -> None:
        try:
            done.append(credits(bob, people[n], "1", f"n{n}"))
        except OverLimit:
            done.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (done.count(True), done.count(False)) == (20, 30)
    assert sum(balance(person) for person in people) == 20
    assert used_today(bob.pk) == 20
    assert StaffAction.objects.filter(action="limit.refused").count() == 30
