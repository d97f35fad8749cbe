"""The transfers of a top-up: what it moved so far, and what is missing towards its target."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from billing.ledger import Posting, own_account_id
from billing.models import Account, AccountKind, Code, PaymentMethod, TopUp, Transfer
from billing.topups.targets import Sums

ZERO = Decimal(0)


@dataclass(frozen=True)
class Moved:
    """Sums of a top-up's transfers by code, and how many transfers there are."""

    sums: dict[str, Decimal]
    count: int
    is_gift: bool = False

    def net(self, plus: tuple[Code, ...], minus: tuple[Code, ...] = ()) -> Decimal:
        """Return what moved by these codes, less what moved back by those."""
        return sum((self.sums.get(c, ZERO) for c in plus), ZERO) - sum((self.sums.get(c, ZERO) for c in minus), ZERO)

    @property
    def credit(self) -> Decimal:
        return self.net((Code.BONUS,) if self.is_gift else (Code.TOPUP,))

    @property
    def fee(self) -> Decimal:
        return self.net((Code.TOPUP_FEE,), (Code.FEE,))

    @property
    def bonus(self) -> Decimal:
        return ZERO if self.is_gift else self.net((Code.BONUS,), (Code.BONUS_BACK,))

    @property
    def had_bonus(self) -> bool:
        """True if a bonus was given, even if it was taken back."""
        return Code.BONUS in self.sums and not self.is_gift

    @property
    def loss(self) -> Decimal:
        """What the shop lost, because the wallet did not hold it."""
        return self.net((Code.CHARGEBACK_LOSS,), (Code.LOSS_BACK,))

    @property
    def back(self) -> Decimal:
        """What was taken back of the credit, from the wallet or as a loss."""
        return self.net((Code.CHARGEBACK, Code.TOPUP_REFUND), (Code.CHARGEBACK_BACK,)) + self.loss


def moved_by(topup: TopUp) -> Moved:
    """Return what a top-up moved so far. Read under the lock of its row."""
    rows = Transfer.objects.filter(reference=topup.ledger_reference).order_by()
    found = rows.values_list("code").annotate(amount=Sum("amount"), n=Count("pk"))
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    count = 0
    for code, amount, n in found:
        sums[code], count = amount, count + n
    return Moved(dict(sums), count, topup.is_gift)


def gateway_account(method: PaymentMethod) -> int:
    """Return the id of the account of what came in by a method."""
    return own_account_id(AccountKind.GATEWAY, method.account_name)


def missing_postings(
    topup: TopUp, wallet: Account, moved: Moved, wanted: Sums, *, is_chargeback: bool, memo: str, actor: str
) -> list[Posting]:
    """Return the transfers that bring a top-up to ``wanted``; a repeat gives none.

    What is taken back comes from the wallet as far as it reaches, the bonus first, and the rest is a loss. What comes
    back after that goes to the loss first. ``wallet`` is locked by the caller.
    """
    gateway, reference = gateway_account(topup.method), topup.ledger_reference
    found: list[Posting] = []

    def add(name: str, code: Code, source: int, target: int, amount: Decimal) -> None:
        # The first credit has a key of its own, whatever led to it: the last wall against a second one.
        suffix = name if name == "credit" else f"{name}:{moved.count + len(found)}"
        found.append(Posting(f"{reference}:{suffix}", code, source, target, amount, reference, memo, actor))

    # 1. What came in.
    if (more := wanted.credit - moved.credit) > 0:
        code, source = (Code.BONUS, own_account_id(AccountKind.BONUS)) if topup.is_gift else (Code.TOPUP, gateway)
        add("extra" if moved.credit else "credit", code, source, wallet.pk, more)
    else:
        more = ZERO
    if (fee := wanted.fee - wanted.fee_back - moved.fee) > 0:
        add("fee", Code.TOPUP_FEE, gateway, own_account_id(AccountKind.FEES), fee)
    elif fee < 0:
        add("fee_back", Code.FEE, own_account_id(AccountKind.FEES), gateway, -fee)
    change = wanted.back - moved.back
    bonus = wanted.bonus - wanted.bonus_back - moved.bonus
    if bonus > 0:
        add("bonus", Code.BONUS, own_account_id(AccountKind.BONUS), wallet.pk, bonus)
    # 2. What went back. A bonus that the wallet did not hold is not asked for again later.
    available = wallet.balance + more + max(bonus, ZERO)
    if bonus < 0 < change and (taken := min(-bonus, available)) > 0:
        add("bonus_back", Code.BONUS_BACK, wallet.pk, own_account_id(AccountKind.BONUS), taken)
        available -= taken
    if change > 0:
        if (paid := min(change, available)) > 0:
            code = Code.CHARGEBACK if is_chargeback else Code.TOPUP_REFUND
            add("back", code, wallet.pk, gateway, paid)
        if change > paid:
            add("loss", Code.CHARGEBACK_LOSS, own_account_id(AccountKind.LOSS), gateway, change - paid)
    # 3. What came back after that: a dispute won, a refund that failed.
    if change < 0:
        if (regained := min(-change, moved.loss)) > 0:
            add("loss_back", Code.LOSS_BACK, gateway, own_account_id(AccountKind.LOSS), regained)
        if -change > regained:
            add("won", Code.CHARGEBACK_BACK, gateway, wallet.pk, -change - regained)
    return found
