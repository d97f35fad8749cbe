"""The cast of the stories about mass orders."""

from decimal import Decimal

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders.mass.checking import Checked, check_lines
from orders.mass.placing import MassPlacement, place_lines
from orders.mass.reading import read_lines


def lines_for(service: Service, count: int, quantity: int = 1000, first: int = 0) -> str:
    """A text of orders for different links."""
    return "\n".join(f"{service.pk} | https://example.com/m/{n} | {quantity}" for n in range(first, first + count))


def checked(who: User, text: str) -> list[Checked]:
    return check_lines(read_lines(text), customer_id=who.pk, now=database_now())


def prices(who: User, text: str) -> dict[int, Decimal]:
    """What the page showed."""
    return {c.quote.service.pk: c.quote.price for c in checked(who, text) if c.quote}


def places(who: User, text: str, *, shown: dict[int, Decimal] | None = None, nonce: str = "once") -> MassPlacement:
    shown = prices(who, text) if shown is None else shown
    return place_lines(customer=who, lines=read_lines(text), shown=shown, nonce=nonce, now=database_now())
