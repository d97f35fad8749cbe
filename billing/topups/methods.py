"""Payment methods as customers meet them: which are offered, and what a top-up costs with each."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billing.gateways.contract import Ability, Config, Gateway
from billing.gateways.reading import amount_text, decimals_of
from billing.gateways.registry import all_gateways, gateway_named
from billing.models import PaymentMethod
from core.money import EXACT, divide, multiply, round_down
from core.templatetags.money import money_text

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Price:
    """What a top-up costs and brings. ``pay`` is in the method's currency, everything else in the shop's."""

    amount: Decimal
    fee: Decimal
    bonus: Decimal
    pay: Decimal
    currency: str

    @property
    def arrives(self) -> Decimal:
        """What the wallet gets in all."""
        return self.amount + self.bonus

    @property
    def pay_text(self) -> str:
        """What to pay, with its currency."""
        is_ours = self.currency == settings.SHOP_CURRENCY
        return money_text(self.pay) if is_ours else amount_text(self.pay, self.currency)


@dataclass(frozen=True)
class Offer:
    """One method for one amount: its price, or why it cannot be used for that."""

    method: PaymentMethod
    icon: str
    price: Price | None
    why_not: str | Promise = ""


def enabled() -> list[PaymentMethod]:
    """Return the methods that are on, in the owner's order. Those in test mode are on in the demo alone."""
    found = PaymentMethod.objects.filter(is_on=True, gateway__in=all_gateways())
    return list(found if settings.DEMO else found.filter(is_live=True))


def offered() -> list[PaymentMethod]:
    """Return the methods with which customers pay an amount that they choose."""
    return [method for method in enabled() if Ability.CODE not in gateway_of(method).spec.abilities]


def price_of(method: PaymentMethod, amount: Decimal) -> Price:
    """Return what a top-up of ``amount`` costs with ``method``: rounded up to what can be paid, but for the bonus."""
    fee = _rounded_up(divide(multiply(amount, method.fee_percent), HUNDRED) + method.fee_fixed, settings.SHOP_CURRENCY)
    has_bonus = method.bonus_percent > 0 and amount >= method.bonus_from
    bonus = round_down(divide(multiply(amount, method.bonus_percent), HUNDRED)) if has_bonus else Decimal(0)
    pay = _rounded_up(multiply(amount + fee, method.exchange_rate), method.currency)
    return Price(amount, fee, bonus, pay, method.currency)


def _rounded_up(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), rounding=ROUND_CEILING, context=EXACT)


def offer(method: PaymentMethod, amount: Decimal | None) -> Offer:
    """Return ``method`` with its price for ``amount``, or with the limit that the amount breaks."""
    icon = gateway_of(method).spec.icon
    if amount is None:
        return Offer(method, icon, None)
    if amount < method.least:
        return Offer(method, icon, None, _("From %(least)s") % {"least": money_text(method.least)})
    if amount > method.most:
        return Offer(method, icon, None, _("Up to %(most)s") % {"most": money_text(method.most)})
    return Offer(method, icon, price_of(method, amount))


def gateway_of(method: PaymentMethod) -> Gateway:
    """Return the gateway of a method. Raises UnknownGateway for one that this version does not have."""
    return gateway_named(method.gateway)


def config_of(method: PaymentMethod) -> Config:
    """Return the owner's settings with the secrets opened. Raises core.secrets.SecretUnreadable."""
    values = {**{name: str(value) for name, value in method.settings.items()}, **method.secrets()}
    return Config(values, method.is_live, webhook_url(method))


def webhook_url(method: PaymentMethod) -> str:
    """Return the address that the gateway calls."""
    return f"{settings.SHOP_URL}{reverse('webhook', args=[method.token])}"


def terms_of(method: PaymentMethod) -> Iterator[str]:
    """Yield what is special about a method, in words: its fee, its bonus."""
    if method.fee_percent or method.fee_fixed:
        percent = f"{method.fee_percent.normalize():f}%" if method.fee_percent else ""
        fixed = money_text(method.fee_fixed) if method.fee_fixed else ""
        yield _("fee %(fee)s") % {"fee": " + ".join(filter(None, (percent, fixed)))}
    if method.bonus_percent:
        words = {"percent": f"{method.bonus_percent.normalize():f}%", "amount": money_text(method.bonus_from)}
        text = _("bonus %(percent)s from %(amount)s") if method.bonus_from else _("bonus %(percent)s")
        yield text % words
