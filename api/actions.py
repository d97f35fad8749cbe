"""Every action of the API: its name, the permission it needs, and the function that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.api_keys import Caller
from accounts.models import Scope
from api import aftercare, following, ordering, tickets
from api.incoming import Call
from api.messages import BalanceAnswer, exact
from api.pricelist import PriceList, price_list
from billing.queries import funds_of
from core.prepared import Part


@dataclass(frozen=True)
class Action:
    """``do`` returns the answer as a value for JSON, or a PriceList that is JSON already. It raises ApiError.

    ``read_with_key`` names what is read in the statement that reads the key, which saves a round trip.
    ``from_memory`` is tried first for a recent caller, and returns None where nothing was done.
    """

    do: Callable[[Caller, Call], Any]
    scope: Scope = Scope.READ
    read_with_key: Callable[[Call], Part] | None = None
    from_memory: Callable[[Caller, Call], Any] | None = None


def services(caller: Caller, _call: Call) -> PriceList:
    """Return the list of services at the caller's prices."""
    return price_list(caller.customer)


def balance(caller: Caller, _call: Call) -> BalanceAnswer:
    """Return what the caller can spend now, in the shop's currency."""
    return BalanceAnswer(exact(funds_of(caller.customer).spendable), settings.SHOP_CURRENCY)


ACTIONS: dict[str, Action] = {
    "services": Action(services),
    "add": Action(ordering.add, Scope.ORDER, ordering.offer_with_key, ordering.add_from_memory),
    "status": Action(following.status),
    "refill": Action(aftercare.refill, Scope.ORDER),
    "refill_status": Action(aftercare.refill_status),
    "cancel": Action(aftercare.cancel, Scope.ORDER),
    "balance": Action(balance),
    "createTicket": Action(tickets.create_ticket, Scope.ORDER),
}
