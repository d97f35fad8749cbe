"""Vouchers: made in batches, shown once, redeemed once."""

import hashlib
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.password_limits import count_all, networks_of
from accounts.staff_limits import take_from_limit, within_limits
from billing.gateways.contract import Ability
from billing.ledger import wallet_is_frozen
from billing.models import Account, PaymentMethod, TopUp, TopUpState, Voucher, VoucherBatch
from billing.models.topups import new_reference
from billing.topups import looking, methods
from billing.topups.history import note_step
from billing.topups.origin import Origin, origin_of
from core.frozen import demand_thawed
from core.money import is_amount
from core.refusals import Refusal
from core.security_log import Event, log_security
from core.staff_actions import Actor, record_staff_action

#: Digits and letters that nobody takes for another: 16 of them hold 80 random bits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None, "\u2010": None, "\u2013": None})
MOST_CODES = 1_000
#: Wrong codes in an hour, by customer and by network.
RATES = {"voucher_customer": "10/1h/key", "voucher_network": "10/1h/key"}


class BadVoucher(Refusal):
    """The code cannot be redeemed. The words do not say whether it ever existed."""

    code = "bad_voucher"


class BadBatch(Refusal):
    """No codes were made."""

    code = "bad_batch"


def make_batch(
    *, name: str, amount: Decimal, count: int, is_gift: bool, good_until: datetime | None, actor: Actor, now: datetime
) -> tuple[VoucherBatch, list[str]]:
    """Make ``count`` codes worth ``amount`` each; return the batch and the codes, which nobody can see again.

    What they are worth counts as moved by hand. Raises BadBatch and OverLimit.
    """
    if not is_amount(amount) or not 1 <= count <= MOST_CODES or not name.strip():
        raise BadBatch(_("A batch has a name, an amount, and 1 to %(most)d codes.") % {"most": MOST_CODES})
    if good_until is not None and good_until <= now:
        raise BadBatch(_("These codes would not be good any more."))
    codes = ["".join(secrets.choice(ALPHABET) for _n in range(LENGTH)) for _code in range(count)]
    with within_limits():
        batch = VoucherBatch.objects.create(
            name=name.strip()[:80], amount=amount, count=count, is_gift=is_gift, good_until=good_until,
            made_by=actor.name[:254], created_at=now,
        )  # fmt: skip
        Voucher.objects.bulk_create([Voucher(batch=batch, digest=digest_of(code)) for code in codes], batch_size=1000)
        after = {"amount": amount, "count": count, "is_gift": is_gift}
        record_staff_action(actor, "voucher.make", batch, after=after)
        take_from_limit(actor, amount * count, action="voucher.make", target=batch)
    return batch, ["-".join(code[n : n + 4] for n in range(0, LENGTH, 4)) for code in codes]


def stop_batch(batch: VoucherBatch, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Let no code of a batch be redeemed any more; return False if it was stopped before."""
    with transaction.atomic():
        if not VoucherBatch.objects.filter(pk=batch.pk, stopped_at=None).update(stopped_at=now):
            return False
        record_staff_action(actor, "voucher.stop", batch, reason=reason)
    return True


def plain(code: str) -> str:
    """Return a typed code without blanks and hyphens, in capitals, with look-alikes as what they stand for."""
    return code.strip().upper().translate(_ALIKE)


def digest_of(code: str) -> str:
    """Return the digest under which a code is stored. It is random enough that nothing has to slow a search down."""
    return hashlib.sha256(plain(code).encode()).hexdigest()


def voucher_method() -> PaymentMethod | None:
    """Return the method that redeems codes, None if the owner has none switched on."""
    return next((m for m in methods.enabled() if Ability.CODE in methods.gateway_of(m).spec.abilities), None)


def redeem(request: HttpRequest, *, customer: User, code: str, now: datetime) -> TopUp:
    """Redeem a code for ``customer`` and return its top-up; the same customer gets the same one again.

    Ten wrong codes an hour of a customer, or from a network, are the most. Must not run inside a transaction.
    Raises BadVoucher and WalletFrozen.
    """
    method = voucher_method()
    wallet = Account.objects.filter(customer=customer).first()
    if method is None or wallet is None:
        raise BadVoucher(_("This shop takes no codes now."))
    if wallet.frozen_at is not None:
        raise wallet_is_frozen()
    demand_thawed()
    # 1. Counted before it is looked up, so that a burst at once is counted too; a right code gives its count back.
    counts = [("voucher_customer", f"id:{customer.pk}"), ("voucher_network", networks_of(request)[0])]
    usage = count_all(request, counts, RATES)
    if usage is None:
        raise BadVoucher(_("Too many wrong codes. Try again in an hour."))
    topup = _claimed(method, customer, code, now=now, origin=origin_of(request, customer))
    if topup is None:
        raise BadVoucher(_("That code does not work. Check each letter; it may have been used."))
    usage.rollback()
    # 2. As every other top-up: what its row says is read, and credited once.
    return looking.look(topup.pk, cause="customer", now=now)


def _claimed(method: PaymentMethod, customer: User, code: str, *, now: datetime, origin: Origin) -> TopUp | None:
    """Give a code to a new top-up under its lock; return the one that has it if it is the same customer's."""
    with transaction.atomic():
        found = Voucher.objects.select_for_update(of=("self",)).select_related("batch")
        voucher = found.filter(digest=digest_of(code)).first()
        if voucher is None:
            return None
        if voucher.topup is not None:
            return voucher.topup if voucher.topup.customer_id == customer.pk else None
        batch = voucher.batch
        if voucher.spent_at is not None:
            return None
        if batch.stopped_at is not None or (batch.good_until is not None and batch.good_until <= now):
            return None
        reference = new_reference()
        topup = TopUp.objects.create(
            customer=customer,
            method=method,
            reference=reference,
            remote_id=f"voucher-{reference}",
            nonce=f"voucher-{voucher.pk}",
            is_live=method.is_live,
            is_gift=batch.is_gift,
            credit_amount=batch.amount,
            pay_amount=batch.amount,
            pay_currency=settings.SHOP_CURRENCY,
            state=TopUpState.PENDING,
            expires_at=now + timedelta(hours=1),
            watch_until=now + timedelta(days=1),
            next_look_at=now + timedelta(minutes=1),
            **vars(origin),
        )
        voucher.topup, voucher.redeemed_at = topup, now
        voucher.save(update_fields=["topup", "redeemed_at"])
        note_step(topup, old="", cause="customer", now=now, facts={"batch": batch.pk})
        # What `mark_vouchers` reads after a restore; never the code.
        transaction.on_commit(lambda: _log(voucher, topup))
    return topup


def _log(voucher: Voucher, topup: TopUp) -> None:
    log_security(
        Event.VOUCHER_REDEEMED,
        actor=f"customer:{topup.customer_id}",
        address=topup.address,
        batch=voucher.batch_id,
        serial=voucher.pk,
        topup=topup.pk,
    )
