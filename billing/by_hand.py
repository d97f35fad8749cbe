"""Staff credit a wallet or debit it by hand, within the limits of their role."""

from collections.abc import Callable
from decimal import Decimal

from accounts.staff_limits import take_from_limit, within_limits
from billing import ledger
from billing.models import Wallet
from core.refusals import demand_reason
from core.staff_actions import Actor, record_staff_action


def credit_by_hand(*, wallet: Wallet, amount: Decimal, reason: str, nonce: str, actor: Actor) -> bool:
    """Put ``amount``, in the shop's currency, into a customer's wallet; return False if this was done before.

    ``nonce`` names the credit: a second click moves nothing. Raises NoReason, WalletFull, OverLimit, and
    :class:`billing.ledger.KeyReused` if the nonce was used for another one.
    """
    return _move(ledger.credit, "wallet.credit", wallet, amount, reason, nonce, actor)


def debit_by_hand(*, wallet: Wallet, amount: Decimal, reason: str, nonce: str, actor: Actor) -> bool:
    """Take ``amount`` out of a customer's wallet. As :func:`credit_by_hand`, and raises NotEnoughMoney."""
    return _move(ledger.debit, "wallet.debit", wallet, amount, reason, nonce, actor)


def _move(
    move: Callable[..., bool], action: str, wallet: Wallet, amount: Decimal, reason: str, nonce: str, actor: Actor
) -> bool:
    demand_reason(reason)
    with within_limits():
        is_new = move(
            customer=wallet.customer, amount=amount, reason=reason, reference=f"admin:{nonce}", actor=actor.name
        )
        if is_new:
            record_staff_action(actor, action, wallet, reason=reason, after={"amount": amount})
            take_from_limit(actor, amount, action=action, target=wallet)
    return is_new
