"""Each action in words: what it is for, what it takes, what it answers. The page and the OpenAPI file read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from api.messages import (
    BalanceAnswer,
    CancelItem,
    ErrorAnswer,
    PlacedAnswer,
    RefillAccepted,
    RefillItem,
    RefillStatusAnswer,
    RefillStatusItem,
    ServiceEntry,
    StatusAnswer,
    TicketOpened,
)

INTEGER, TEXT, IDS = "integer", "text", "ids"


@dataclass(frozen=True)
class Parameter:
    """``kind`` is one of INTEGER, TEXT and IDS, the last being numbers with commas between."""

    name: str
    kind: str
    meaning: str | Promise
    is_required: bool = False


@dataclass(frozen=True)
class Topic:
    """One action. ``types`` are its answers besides an error, as types or JSON schemas; ``answer`` is an example of the
    first."""

    name: str
    title: str | Promise
    text: str | Promise
    parameters: tuple[Parameter, ...]
    answer: Any
    types: tuple[Any, ...]


#: Every order under its own number. Written by hand, since a type cannot say "one of two objects".
STATUS_OF_SEVERAL = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"$ref": "#/components/schemas/StatusAnswer"}, {"$ref": "#/components/schemas/ErrorAnswer"}]
    },
}

_REQUEST_ID = Parameter(
    "request_id",
    TEXT,
    _("Your own name for this request, up to 64 characters. A request with the same name gets the same answer."),
)
_ORDER = Parameter("order", INTEGER, _("One order number."))
_ORDERS = Parameter("orders", IDS, _("Up to 100 order numbers with commas between, in place of order."))

SERVICES = Topic(
    "services",
    _("What you can order, at your prices"),
    _(
        "The rate is per 1,000, or per package for the two package types. The answer carries an ETag: send it back as "
        "If-None-Match and an unchanged list is HTTP 304 without a body."
    ),
    (),
    [
        ServiceEntry(
            2104,
            "Followers",
            "Default",
            "First category",
            "1.859",
            "100",
            "50000",
            "The profile must be public.",
            True,
            False,
        )
    ],
    (list[ServiceEntry],),
)
ADD = Topic(
    "add",
    _("Place an order"),
    _(
        "The charge is reserved in your wallet and the order gets a number at once. It is sent to the supplier a "
        "moment later. Which fields are needed depends on the type of the service."
    ),
    (
        Parameter("service", INTEGER, _("Number of the service, from services or the price list."), is_required=True),
        Parameter("link", TEXT, _("Address the service works on. Not for Subscriptions.")),
        Parameter("quantity", INTEGER, _("Between min and max of the service. For the types that take a quantity.")),
        Parameter("runs", INTEGER, _("Drip-feed: how many runs. Each run delivers quantity.")),
        Parameter("interval", INTEGER, _("Drip-feed: minutes between two runs.")),
        Parameter(
            "posts",
            INTEGER,
            _("Subscriptions: how many posts, at least 1. They are paid in advance, so the number is required."),
        ),
        Parameter("comments", TEXT, _("Comment types: one comment per line.")),
        _REQUEST_ID,
    ),
    PlacedAnswer(48224),
    (PlacedAnswer,),
)
STATUS = Topic(
    "status",
    _("Follow one order, or up to 100"),
    _(
        "The charge is what you pay as it stands: all of it while the order runs, 0 when it is canceled, and without "
        "what was refunded when it ended partial. An unknown number among several holds an error, the others answer. A "
        "drip-feed also says the runs that are done, a subscription the posts that are done and its expiry. For a "
        "panel of the SmartPanel family, choose its words for subscriptions with your key: Active while it runs, "
        "Expired if it ended before all posts were done."
    ),
    (_ORDER, _ORDERS),
    StatusAnswer("3.79350", "12480", "Partial", "157", "USD"),
    (StatusAnswer, STATUS_OF_SEVERAL),
)
REFILL = Topic(
    "refill",
    _("Ask for a refill"),
    _("For completed orders of services that offer it, one refill at a time."),
    (_ORDER, _ORDERS, _REQUEST_ID),
    RefillAccepted("311"),
    (RefillAccepted, list[RefillItem]),
)
REFILL_STATUS = Topic(
    "refill_status",
    _("Follow one refill, or up to 100"),
    _("Pending, In progress, Completed or Rejected."),
    (
        Parameter("refill", INTEGER, _("The refill number from the answer to refill.")),
        Parameter("refills", IDS, _("Up to 100 refill numbers with commas between, in place of refill.")),
    ),
    RefillStatusAnswer("Completed"),
    (RefillStatusAnswer, list[RefillStatusItem]),
)
CANCEL = Topic(
    "cancel",
    _("Ask to cancel orders"),
    _(
        "The answer 1 says that the request was taken. Only the status says whether an order was canceled and what was "
        "refunded. You may ask again."
    ),
    (
        Parameter("orders", IDS, _("Up to 100 order numbers with commas between.")),
        Parameter("order", INTEGER, _("One order number, in place of orders.")),
        _REQUEST_ID,
    ),
    [CancelItem(48224, 1), CancelItem(9, ErrorAnswer("Incorrect order ID"))],
    (list[CancelItem],),
)
BALANCE = Topic(
    "balance", _("The balance of your wallet"), _("Without the money reserved for open orders."), (),
    BalanceAnswer("100.84292", "USD"), (BalanceAnswer,),
)  # fmt: skip

CREATE_TICKET = Topic(
    "createTicket",
    _("Ask the shop"),
    _("Opens a ticket. The shop answers by mail to the address of your account."),
    (
        Parameter("subject", TEXT, _("What it is about, up to 200 characters."), is_required=True),
        Parameter("message", TEXT, _("Your question, up to 10,000 characters."), is_required=True),
        Parameter("priority", TEXT, _("low, normal, high or urgent; normal if left out.")),
        _REQUEST_ID,
    ),
    TicketOpened(200, "12345", "Ticket created successfully"),
    (TicketOpened,),
)

TOPICS: Sequence[Topic] = (SERVICES, ADD, STATUS, REFILL, REFILL_STATUS, CANCEL, BALANCE, CREATE_TICKET)

#: The states of an order: the word, the badge it wears elsewhere, its icon, and what it says.
STATES = (
    ("Pending", "is-pending", "clock", _("Taken; delivery has not begun.")),
    (
        "Processing",
        "is-confirming",
        "hourglass",
        _("We are confirming it with the supplier. Your money stays reserved."),
    ),
    ("In progress", "is-progress", "circle-dot-dashed", _("Being delivered; remains counts down.")),
    ("Completed", "is-completed", "circle-check", _("All of it arrived.")),
    ("Partial", "is-partial", "contrast", _("It ended early. The charge for what is missing was refunded.")),
    ("Canceled", "is-canceled", "circle-x", _("Nothing is charged; everything was refunded.")),
    ("Active", "is-progress", "circle-dot-dashed", _("In SmartPanel's words: a subscription that has not ended.")),
    ("Expired", "is-partial", "contrast", _("In SmartPanel's words: a subscription that ended partial.")),
)
