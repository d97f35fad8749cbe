"""Fetches a provider's list, or explains to the owner why there is none."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers.connection import client_for
from core.secrets import SecretUnreadable
from upstream.errors import ErrorClass, ProviderFailure, Unavailable
from upstream.messages import ServiceList


@dataclass
class NoList(Exception):
    """No usable list was received. ``problem`` is a text for the owner and never contains the key."""

    problem: str
    error_class: ErrorClass | None = None
    is_outage: bool = False
    retry_after: timedelta | None = None


def fetch_list(provider: Provider) -> ServiceList:
    """Return the provider's whole list. Raises NoList. Must not run inside a transaction: it waits for the network."""
    try:
        return client_for(provider, deadline=settings.SYNC_DEADLINE_SECONDS).services()
    except SecretUnreadable as problem:
        raise NoList(str(problem)) from None
    except ProviderFailure as failure:
        retry_after = None if failure.retry_after is None else timedelta(seconds=failure.retry_after)
        error_class = failure.error_class if isinstance(failure, Unavailable) else None
        raise NoList(describe(failure), error_class, failure.outage, retry_after) from failure


def describe(failure: ProviderFailure) -> str:
    """Return one line for the owner: the kind of failure, then the provider's own words."""
    reason = failure.reason
    if isinstance(failure, Unavailable) and failure.error_class:
        reason = failure.error_class.value
    words = {
        "empty_list": _("empty list"),
        "malformed": _("malformed list"),
        "one_page": _("this is only a part of the list"),
        "not_json": _("the answer is not JSON"),
        "not_text": _("the answer is not UTF-8 text"),
        "too_large": _("the answer is too large"),
        "incomplete": _("the answer was cut off"),
        "deadline": _("no complete answer in time"),
        "empty": _("empty answer"),
        "redirect": _("the address redirects elsewhere"),
        "no_balance": _("the answer names no balance"),
        "invalid_key": _("it does not accept this API key, please check it"),
        "account_blocked": _("our account there is blocked"),
        "maintenance": _("it is under maintenance"),
        "rate_limited": _("it was asked too often, try again in a minute"),
    }
    summary = words.get(reason, reason)
    return f"{summary}: {failure.text}"[:500] if failure.text and failure.text != reason else summary
