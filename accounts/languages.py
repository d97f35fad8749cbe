"""The language that somebody chose: kept in a cookie for visitors, and with the account for customers."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import CustomerRequest
from core.languages import NEUTRAL, in_language, known, offered, remember
from core.shop_settings import shop_settings


def mail_language(user: Any, request: HttpRequest | None = None) -> str:
    """Return the code of the language for a mail to ``user``, who may be None for somebody without an account.

    What they chose goes first, then that of the page they are on, then the shop's default one.
    """
    shop = getattr(request, "shop", None) or shop_settings()
    chosen: str = getattr(user, "language", "")
    if not chosen and request is not None and not request.path_info.startswith(NEUTRAL):
        chosen = getattr(request, "LANGUAGE_CODE", "")
    return known(chosen, offered(shop))


@require_safe
@never_cache
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """Remember the language in a cookie and lead on to the page ``next`` in it. 404 for one that is not offered."""
    if code not in offered(shop_settings()):
        raise Http404("a language that the shop does not offer")
    target = request.GET.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    response = HttpResponseRedirect(in_language(target if is_ours else "/", code))
    remember(response, code)
    return response


@require_POST
@login_required
def save(request: CustomerRequest) -> HttpResponse:
    """Keep the language with the account, for mails too, and show the account in it. 404 for one not offered."""
    code = request.POST.get("language", "")
    if code not in offered(shop_settings()):
        raise Http404("a language that the shop does not offer")
    User.objects.filter(pk=request.customer.pk).update(language=code)
    response = HttpResponseRedirect(in_language(reverse("account"), code))
    remember(response, code)
    return response


@receiver(user_logged_in)
def lead_on_in_their_language(sender: type[Any], request: HttpRequest | None, user: Any, **more: Any) -> None:
    """Set the cookie to the language of the account; pages without a prefix lead on to it."""
    code = getattr(user, "language", "")
    if request is not None and code in dict(settings.LANGUAGES):
        request.language_to_remember = code  # type: ignore[attr-defined]
