"""Refusals: expected failures, with a message for the person who asked."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _


class Refusal(Exception):
    """Base class of every expected failure: nothing was done. Any other exception is a bug and surfaces as one.

    ``code`` is for machines and stays stable; ``message`` is a sentence fit for the person who asked.
    """

    code = "refused"

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message


class NoReason(Refusal):
    """A decision without a reason is not kept."""

    code = "no_reason"


def demand_reason(reason: str) -> None:
    """Raises NoReason for a blank reason."""
    if not reason.strip():
        raise NoReason(_("Please give a reason."))
