"""Payment methods as customers meet them: which are offered, and what a top-up costs with each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from billing.bonuses import bonus_for
from billing.gateways.contract import Ability, Config, Gateway, Spec
from billing.gateways.reading import amount_text, decimals_of
from billing.gateways.registry import all_gateways, gateway_named
from billing.models import PaymentMethod, TopUp
from core.money import EXACT, divide, multiply
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
    first_bonus: Decimal = Decimal(0)

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

    @property
    def choices(self) -> dict[str, str]:
        """What the customer chooses among, by code."""
        return choices_of(self.method)

    @property
    def choice_label(self) -> str | Promise:
        """What that is called, such as Coin."""
        return gateway_of(self.method).spec.choice_label


def enabled() -> list[PaymentMethod]:
    """Return the methods that are on, in the owner's order. Those in test mode are on in the demo alone."""
    found = PaymentMethod.objects.filter(is_on=True, gateway__in=all_gateways())
    return list(found if settings.DEMO else found.filter(is_live=True))


def offered() -> list[PaymentMethod]:
    """Return the methods with which customers pay an amount that they choose."""
    return [method for method in enabled() if Ability.CODE not in gateway_of(method).spec.abilities]


def price_of(method: PaymentMethod, amount: Decimal, *, customer: User | None = None) -> Price:
    """Return what a top-up of ``amount`` costs with ``method``: rounded up to what can be paid, but for the bonus.

    Without a customer there is no bonus for a first top-up.
    """
    fee = _rounded_up(
        divide(multiply(amount, method.fee_percent), HUNDRED) + method.fee_fixed, decimals_of(settings.SHOP_CURRENCY)
    )
    bonus = bonus_for(method, amount, customer=customer)
    decimals = gateway_of(method).spec.decimals.get(method.currency, decimals_of(method.currency))
    pay = _rounded_up(multiply(amount + fee, method.exchange_rate), decimals)
    return Price(amount, fee, bonus.amount, pay, method.currency, bonus.first)


def _rounded_up(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING, context=EXACT)


def offer(method: PaymentMethod, amount: Decimal | None, *, customer: User | None = None) -> Offer:
    """Return ``method`` with its price for ``amount``, or with the limit that the amount breaks."""
    icon = gateway_of(method).spec.icon
    if amount is None:
        return Offer(method, icon, None)
    if amount < method.least:
        return Offer(method, icon, None, _("From %(least)s") % {"least": money_text(method.least)})
    if amount > method.most:
        return Offer(method, icon, None, _("Up to %(most)s") % {"most": money_text(method.most)})
    return Offer(method, icon, price_of(method, amount, customer=customer))


def gateway_of(method: PaymentMethod) -> Gateway:
    """Return the gateway of a method. Raises UnknownGateway for one that this version does not have."""
    return gateway_named(method.gateway)


def can(method: PaymentMethod, ability: Ability) -> bool:
    """True if the gateway of a method can do this; False for one that this shop does not have, or no longer has."""
    spec = spec_of(method)
    return spec is not None and ability in spec.abilities


def spec_of(method: PaymentMethod) -> Spec | None:
    """Return what a method's gateway says of itself; None for one that this version of the shop does not have."""
    found = all_gateways().get(method.gateway)
    return found.spec if found else None


def config_of(method: PaymentMethod) -> Config:
    """Return the owner's settings with the secrets opened. Raises core.secrets.SecretUnreadable."""
    values = {**{name: str(value) for name, value in method.settings.items()}, **method.secrets()}
    return Config(values, method.is_live, webhook_url(method))


def config_for(topup: TopUp) -> Config:
    """Return the settings with which a gateway is asked about a top-up: in the mode in which the top-up was started.

    Raises core.secrets.SecretUnreadable.
    """
    return replace(config_of(topup.method), is_live=topup.is_live)


def choices_of(method: PaymentMethod) -> dict[str, str]:
    """Return what a customer chooses among before paying by a method, by code; most have nothing to choose."""
    values = {name: str(value) for name, value in method.settings.items()}
    return gateway_of(method).choices(Config(values, method.is_live))


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
