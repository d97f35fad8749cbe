"""Every action of the API: what it is called, what it needs, what does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.api_keys import Caller
from accounts.models import Scope
from api import aftercare, following, ordering, tickets
from api.incoming import Call
from api.messages import Balance, exact
from api.pricelist import PriceList, price_list
from api.regulars import Tried
from billing.queries import balance_of
from core.prepared import Part


@dataclass(frozen=True)
class Action:
    """``do`` returns what is answered as JSON, or a PriceList that is written already. It raises ApiError.

    ``beside`` says what is read together with the key, so that it costs no round trip of its own. ``again`` is tried
    first, with the caller's address, and may answer without reading anything.
    """

    do: Callable[[Caller, Call], Any]
    scope: Scope = Scope.READ
    beside: Callable[[Call], Part] | None = None
    again: Callable[[Call, str], Tried] | None = None


def services(caller: Caller, _call: Call) -> PriceList:
    return price_list(caller.customer.group)


def balance(caller: Caller, _call: Call) -> Balance:
    return Balance(exact(balance_of(caller.customer)), settings.SHOP_CURRENCY)


ACTIONS: dict[str, Action] = {
    "services": Action(services),
    "add": Action(ordering.add, Scope.ORDER, ordering.read_beside, ordering.add_again),
    "status": Action(following.status),
    "refill": Action(aftercare.refill, Scope.ORDER),
    "refill_status": Action(aftercare.refill_status),
    "cancel": Action(aftercare.cancel, Scope.ORDER),
    "balance": Action(balance),
    "createTicket": Action(tickets.create_ticket, Scope.ORDER),
}
