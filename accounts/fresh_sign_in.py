"""Asking who is there before something that a stolen session must not do."""

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest


def has_fresh_sign_in(request: HttpRequest) -> bool:
    """Whether this person proved who they are within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    return bool(did_recently_reauthenticate(request))


def demand_fresh_sign_in(request: HttpRequest) -> None:
    """Raise allauth's ReauthenticationRequired if this person last proved who they are too long ago.

    A form that was sent goes on afterwards (`accounts.confirming`). Call it where nothing has been written.
    """
    if not has_fresh_sign_in(request):
        raise ReauthenticationRequired
