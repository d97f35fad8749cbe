"""`createTicket`: a question to the owner. api/ may not import the room of the tickets, so the wiring connects them."""

from datetime import datetime
from typing import Protocol

from accounts.api_keys import Caller
from accounts.models import User
from api.errors import INCORRECT_REQUEST, TOO_MANY_TICKETS, ApiError
from api.incoming import Call
from api.messages import TicketOpened
from api.retries import once
from core.refusals import Refusal


class TicketOpener(Protocol):
    """Opens a ticket and returns its number. Raises a Refusal, which names its ``field`` where one was to blame."""

    def __call__(self, *, customer: User, subject: str, message: str, priority: str, now: datetime) -> int: ...


_opener: list[TicketOpener] = []


def use_ticket_opener(opener: TicketOpener) -> None:
    """Set what opens tickets. The wiring above both rooms calls this once."""
    _opener[:] = [opener]


def create_ticket(caller: Caller, call: Call) -> TicketOpened:
    """Raises ApiError; with a request id a repeat finds the first ticket."""

    def operation() -> tuple[TicketOpened, bool]:
        if not _opener:
            raise ApiError(INCORRECT_REQUEST)
        try:
            number = _opener[0](
                customer=caller.customer,
                subject=call.get("subject"),
                message=call.get("message"),
                priority=call.get("priority"),
                now=caller.now,
            )
        except Refusal as refusal:
            if not (field := getattr(refusal, "field", "")):
                raise ApiError(TOO_MANY_TICKETS) from refusal
            is_missing = getattr(refusal, "is_missing", False)
            raise ApiError(f"{field} is required" if is_missing else f"A valid {field} is required") from refusal
        return TicketOpened(200, str(number), "Ticket created successfully"), True

    opened: TicketOpened = once(caller, call, operation)
    return opened
