"""Why an order was refused, in the words that clients of panel API v2 know."""

from collections.abc import Mapping

from django.utils import translation

from accounts.key_use import DailyLimitReached
from api.errors import (
    ACCOUNT_SUSPENDED,
    DAILY_LIMIT,
    DEPOSIT_HELD,
    INCORRECT_DRIPFEED,
    INCORRECT_LINK,
    INCORRECT_QUANTITY,
    INCORRECT_SERVICE,
    LINK_HAS_OPEN_ORDER,
    NO_DRIPFEED,
    NOT_ENOUGH_FUNDS,
    PRICES_CHANGING,
    SERVICE_UNAVAILABLE,
)
from billing.ledger import DepositHeld, NotEnoughMoney, WalletFrozen
from catalog.links.reader import read_link
from catalog.links.refusals import BadLink, OtherPlatform
from catalog.models import Service
from catalog.shop.queries import sellable
from core.refusals import Refusal
from orders.checkout.checks import service_platforms
from orders.checkout.coded_fields import choices_of, not_a_choice
from orders.checkout.fields import BadFields
from orders.checkout.placement import PriceUnsteady
from orders.checkout.quotes import SaleBelowCost, ServiceUnavailable
from orders.checkout.same_link import LinkHasOpenOrder
from upstream.service_types import QuantitySource, lines_of, service_type

_TEXTS: dict[type[Refusal], str] = {
    ServiceUnavailable: INCORRECT_SERVICE,
    SaleBelowCost: SERVICE_UNAVAILABLE,
    PriceUnsteady: PRICES_CHANGING,
    NotEnoughMoney: NOT_ENOUGH_FUNDS,
    LinkHasOpenOrder: LINK_HAS_OPEN_ORDER,
    DepositHeld: DEPOSIT_HELD,
    WalletFrozen: ACCOUNT_SUSPENDED,
    DailyLimitReached: DAILY_LIMIT,
}
#: Of several problems the client reads one: the first of these, then any other.
_FIRST = ("service", "link", "quantity", "comments", "usernames")


def refusal_text(refusal: Refusal, service_id: int, fields: Mapping[str, str]) -> str:
    """Return the one sentence that the client reads about an order of ``fields`` that was refused."""
    if not isinstance(refusal, BadFields):
        return _TEXTS.get(type(refusal), SERVICE_UNAVAILABLE)
    name = min(refusal.problems, key=lambda field: _FIRST.index(field) if field in _FIRST else len(_FIRST))
    service = sellable(service_id)
    kind = service_type(service.type) if service else None
    if service is None or kind is None or name == "service":
        return SERVICE_UNAVAILABLE
    if name == "link":
        return _link_text(service, fields.get("link", ""))
    if name in ("runs", "interval"):
        return INCORRECT_DRIPFEED if service.allows_dripfeed else NO_DRIPFEED
    given = fields.get(name, "").strip()
    by_lines = name == kind.quantity_from.value and kind.quantity_from is not QuantitySource.FIELD
    if given and (choices := choices_of(service, name)) is not None:
        with translation.override("en"):
            return f"A valid {name} is required: {not_a_choice(choices)}"
    if name != "quantity" and not (by_lines and given):
        return f"A valid {name} is required" if given else f"{name} is required"
    quantity = len(lines_of(given)) if by_lines else int(given or 0)
    if 0 < quantity < service.min:
        return f"Quantity less than minimal {service.min}"
    return f"Quantity more than maximum {service.max}" if quantity > service.max else INCORRECT_QUANTITY


def _link_text(service: Service, link: str) -> str:
    """The known words; for an address of another platform with the reason, which no client can guess."""
    with translation.override("en"):
        try:
            read_link(link, platforms=service_platforms(service))
        except OtherPlatform as refusal:
            return f"{INCORRECT_LINK}: {refusal.message}"
        except BadLink:
            pass
    return INCORRECT_LINK
