"""The states of an order and the moves between them. Pure: no row is read or written here.

An order has two: how far its forwarding got (``Forward``, ours to move) and what the provider last answered about it
(``Progress``). What a customer sees (``Face``) follows from both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Forward(models.TextChoices):
    QUEUED = "queued", _("Queued")
    CLAIMED = "claimed", _("Claimed")
    SENDING = "sending", _("Sending")
    IN_DOUBT = "in_doubt", _("In doubt")
    REVIEW = "review", _("In review")
    PLACED = "placed", _("Placed")
    REFUSED = "refused", _("Refused")
    REFUNDED = "refunded", _("Refunded")


def sql_list(states: Iterable[str]) -> str:
    """Return the states as SQL literals, for ``IN (…)``: their names are constants of this module, never data."""
    return ", ".join(f"'{state}'" for state in sorted(states))


#: Every move of forwarding there is. `orders.lifecycle` makes no other, and a database trigger refuses any other.
FORWARD_MOVES: dict[Forward, frozenset[Forward]] = {
    Forward.QUEUED: frozenset({Forward.CLAIMED, Forward.REFUNDED}),
    Forward.CLAIMED: frozenset({Forward.QUEUED, Forward.SENDING}),
    Forward.SENDING: frozenset({Forward.PLACED, Forward.REFUSED, Forward.QUEUED, Forward.IN_DOUBT}),
    Forward.IN_DOUBT: frozenset({Forward.PLACED, Forward.QUEUED, Forward.REFUNDED, Forward.REVIEW}),
    Forward.REVIEW: frozenset({Forward.PLACED, Forward.QUEUED, Forward.REFUNDED}),
    Forward.PLACED: frozenset(),
    Forward.REFUSED: frozenset(),
    Forward.REFUNDED: frozenset(),
}


class Outcome(models.TextChoices):
    """How one attempt to send stands or ended."""

    CLAIMED = "claimed", _("Claimed")
    RELEASED = "released", _("Released unsent")
    SENDING = "sending", _("Sending")
    NOT_SENT = "not_sent", _("Not sent, proven")
    REFUSED = "refused", _("Refused")
    IN_DOUBT = "in_doubt", _("In doubt")
    PLACED = "placed", _("Placed")
    NOT_PLACED = "not_placed", _("Not placed, proven or decided")


#: Outcomes under which the provider has, or may have, the request: at most one such attempt exists per order.
LIVE = (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT, Outcome.PLACED)


class Progress(models.TextChoices):
    """What the provider last answered about a placed order, in canonical words. Empty until it has answered."""

    PENDING = "pending", _("Pending")
    PROCESSING = "processing", _("Processing")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    PARTIAL = "partial", _("Partial")
    CANCELED = "canceled", _("Canceled")
    REFUNDED = "refunded", _("Refunded")
    FAILED = "failed", _("Failed")
    PAUSED = "paused", _("Paused")
    ACTIVE = "active", _("Active")
    EXPIRED = "expired", _("Expired")


#: The provider is done with the order: its money is settled, and it is polled ever more rarely from now on.
FINAL = frozenset({Progress.COMPLETED, Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.EXPIRED})


@dataclass(frozen=True)
class Face:
    """A state as the customer sees it: machine name, word, badge class, icon, and whether it will still move."""

    name: str
    word: str | Promise
    css: str
    icon: str
    is_final: bool = False


PENDING = Face("pending", _("Pending"), "is-pending", "clock")
SENDING = Face("sending", _("Sending"), "is-sending", "send")
CONFIRMING = Face("confirming", _("Confirming with supplier"), "is-confirming", "hourglass")
IN_PROGRESS = Face("progress", _("In progress"), "is-progress", "circle-dot-dashed")
COMPLETED = Face("completed", _("Completed"), "is-completed", "circle-check", is_final=True)
PARTIAL = Face("partial", _("Partial"), "is-partial", "contrast", is_final=True)
CANCELED = Face("canceled", _("Canceled"), "is-canceled", "circle-x", is_final=True)

_BY_FORWARD = {
    Forward.QUEUED: PENDING,
    Forward.CLAIMED: SENDING,
    Forward.SENDING: SENDING,
    Forward.IN_DOUBT: CONFIRMING,
    Forward.REVIEW: CONFIRMING,
    Forward.REFUSED: CANCELED,
    Forward.REFUNDED: CANCELED,
}
_BY_PROGRESS = {
    "": PENDING,
    Progress.PENDING: PENDING,
    Progress.COMPLETED: COMPLETED,
    Progress.EXPIRED: COMPLETED,
    Progress.PARTIAL: PARTIAL,
    Progress.CANCELED: CANCELED,
    Progress.REFUNDED: CANCELED,
}


def face_of(forward: str, progress: str) -> Face:
    """Return what the customer sees. An order called failed is still "In progress": providers retry those."""
    if forward != Forward.PLACED:
        return _BY_FORWARD[Forward(forward)]
    return _BY_PROGRESS.get(progress, IN_PROGRESS)


class RefillState(models.TextChoices):
    """A refill request: ours to move up to ``requested``, then as the provider answers."""

    QUEUED = "queued", _("Queued")
    CLAIMED = "claimed", _("Claimed")
    SENDING = "sending", _("Sending")
    IN_DOUBT = "in_doubt", _("In doubt")
    REQUESTED = "requested", _("Requested")
    COMPLETED = "completed", _("Refilled")
    REJECTED = "rejected", _("Declined")
    UNANSWERED = "unanswered", _("Never answered")


REFILL_OPEN = (
    RefillState.QUEUED,
    RefillState.CLAIMED,
    RefillState.SENDING,
    RefillState.IN_DOUBT,
    RefillState.REQUESTED,
)


class CancelState(models.TextChoices):
    """A customer's request to cancel: ours to send until ``asked``, then the order's own status answers it."""

    QUEUED = "queued", _("Queued")
    ASKED = "asked", _("Asked for")
    ANSWERED = "answered", _("Answered")


CANCEL_OPEN = (CancelState.QUEUED, CancelState.ASKED)


class Explanation(models.TextChoices):
    """Why an id answers to our key."""

    ATTEMPT = "attempt", _("Placed by us")
    CHILD = "child", _("A run of one of our orders")
    FOREIGN = "foreign", _("Not ours, according to the owner")
    ORPHAN = "orphan", _("Unknown")
    TEST = "test", _("A test order")


class Shape(StrEnum):
    """Which fields an answer has: a parent shows its children in place of a charge."""

    PLAIN = "plain"
    DRIP = "drip"
    SUBSCRIPTION = "subscription"


class JobState(models.TextChoices):
    """A request about many objects: it runs until each has its result, or until somebody stops it."""

    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")


class JobItemState(models.TextChoices):
    """One object of a job. ``failed`` is a bug of ours or a broken object, ``refused`` an expected no."""

    WAITING = "waiting", _("Not yet asked")
    CLAIMED = "claimed", _("Being asked")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Not possible")
    FAILED = "failed", _("Failed")


#: Items that have no result yet.
JOB_ITEM_OPEN = (JobItemState.WAITING, JobItemState.CLAIMED)
