"""Terms at the door: accepted with the sign-up, and asked for once after a sign-in when a new version is in force.

A sign-in marks its session, and only marked sessions are asked: no other page reads the terms. Nothing that was typed
is lost: the question stands before pages (GET) alone, while a form that is sent still arrives. API keys go on.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from accounts.requests import CustomerRequest
from core.addresses import client_address
from core.clock import database_now
from pages.models import TermsAcceptance, TermsVersion
from pages.terms import accept_terms, current_terms, has_accepted

#: In the session: the number of the version that is to be accepted before other pages.
DUE = "terms_due"
#: In the session, from the sign-up to the first sign-in: who accepted which version, when, from where.
SIGNED_UP = "terms_of_sign_up"
#: Pages that a marked session still reads, by name or namespace: the terms, in another language too, signing out, and
#: asking for help.
_FREE = frozenset({"accept_terms", "account_logout", "language", "account_language", "pages", "support"})


def keep_for_first_sign_in(request: HttpRequest, user: User, version: TermsVersion) -> None:
    """Remember that ``user`` accepted ``version`` with the sign-up.

    The row is written when the address is verified: until then the account may be somebody else's, who is to accept
    nothing for its owner, and it may be deleted, which the row would forbid.
    """
    request.session[SIGNED_UP] = {
        "user": user.pk,
        "version": version.pk,
        "at": database_now().isoformat(),
        "address": client_address(request),
    }


@receiver(user_logged_in)
def settle_at_sign_in(sender: type[Any], request: HttpRequest | None, user: Any, **more: Any) -> None:
    """Write down what was accepted with the sign-up, and mark the session of a customer who has to accept the terms."""
    if request is None or not isinstance(user, User) or user.is_staff:
        return
    kept = request.session.pop(SIGNED_UP, None)
    if kept and kept["user"] == user.pk:
        version = TermsVersion.objects.get(pk=kept["version"])
        accept_terms(user, version, address=kept["address"], now=datetime.fromisoformat(kept["at"]))
    version_in_force = current_terms()
    if version_in_force and not has_accepted(user, version_in_force):
        request.session[DUE] = version_in_force.number


class TermsMiddleware:
    """Shows a marked session the terms before any page, but for those that help to decide."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: object, _args: object, _kwargs: object) -> HttpResponse | None:
        place = request.resolver_match
        if request.method not in ("GET", "HEAD") or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if place is None or _FREE & {place.view_name, *place.namespaces} or DUE not in request.session:
            return None
        if request.headers.get("HX-Request"):
            # The part of a page that was open before: the whole page goes to the question.
            return HttpResponseClientRedirect(reverse("accept_terms"))
        return HttpResponseRedirect(f"{reverse('accept_terms')}?{urlencode({'next': request.get_full_path()})}")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def accept(request: CustomerRequest) -> HttpResponse:
    """Ask the customer to accept the terms in force, and go on to where they wanted to go."""
    target = get_next_redirect_url(request) or reverse("catalog:prices")
    version = current_terms()
    if version is None or request.customer.is_staff or has_accepted(request.customer, version):
        request.session.pop(DUE, None)
        return HttpResponseRedirect(target)
    is_other = False
    if request.method == "POST":
        if request.POST.get("terms") == str(version.number):
            accept_terms(request.customer, version, address=client_address(request), now=database_now())
            request.session.pop(DUE, None)
            return HttpResponseRedirect(target)
        is_other = True
    context = {
        "version": version,
        "target": target,
        "is_other": is_other,
        "accepted": TermsAcceptance.objects.filter(customer=request.customer).select_related("version").first(),
    }
    return render(request, "account/accept_terms.html", context, status=409 if is_other else 200)
