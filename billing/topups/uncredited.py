"""What came in and was neither credited, sent back nor written off: of one top-up, and as a question for lists."""

from decimal import ROUND_FLOOR, Decimal

from django.conf import settings
from django.db.models import DecimalField, ExpressionWrapper, F, Q, Value

from billing.gateways.reading import decimals_of
from billing.models import TopUp, TopUpPayment, TopUpState
from billing.models.topups import MAY_BE_UNCREDITED, TO_DECIDE, Decision
from billing.topups.targets import ZERO, worth
from core.money import EXACT, divide, multiply

#: As payments are stored.
_FINEST = Decimal("1e-18")


def uncredited_of(topup: TopUp, here: Decimal) -> Decimal:
    """Return what is not credited of ``here``, what came in and is still here, in the payment's currency."""
    credited = divide(multiply(topup.pay_amount, topup.credited - topup.taken), topup.credit_amount)
    left = max(here - credited - topup.written_off, ZERO)
    return left.quantize(_FINEST, rounding=ROUND_FLOOR, context=EXACT)


def _least() -> Decimal:
    """The smallest amount that people pay: less than that is a coin's rounding, and nothing to decide."""
    return Decimal(1).scaleb(-decimals_of(settings.SHOP_CURRENCY))


def is_worth_deciding(topup: TopUp, here: Decimal) -> bool:
    """True if the owner should decide about money of a top-up that is credited or rejected."""
    is_settled = topup.decision == Decision.REJECTED or (topup.credited and topup.state not in TO_DECIDE)
    return bool(is_settled) and worth(topup.credit_amount, uncredited_of(topup, here), topup.pay_amount) >= _least()


def is_uncredited() -> Q:
    """Top-ups with money that came in and is not credited, and about which no other decision is open.

    What is asked first names few: those with more than is credited, whether or not that went back. Their payments are
    read by a second question, because one for both tables would be planned as if there were many.
    """
    number: DecimalField[Decimal, Decimal] = DecimalField(max_digits=60, decimal_places=18)
    credited = F("pay_amount") * (F("credited") - F("taken") + Value(_least())) / F("credit_amount")
    found = (
        TopUp.objects.filter(MAY_BE_UNCREDITED, received__gte=ExpressionWrapper(F("written_off") + credited, number))
        .exclude(state__in=TO_DECIDE, decision=Decision.NONE)
        .exclude(state=TopUpState.REFUNDED)
        .in_bulk()
    )
    here = dict.fromkeys(found, ZERO)
    for payment in TopUpPayment.objects.filter(topup__in=list(found)):
        if payment.currency == found[payment.topup_id].pay_currency:
            here[payment.topup_id] += here_of(payment)
    return Q(pk__in=[pk for pk, topup in found.items() if is_worth_deciding(topup, here[pk])])


def here_of(payment: TopUpPayment) -> Decimal:
    """Return what came in by a payment and is still here."""
    gone = max(payment.refunded, payment.refund_asked) + payment.charged_back
    return payment.amount - min(payment.amount, gone)
