from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api_keys import (
    BadKeyOptions,
    change_status_words,
    create_key,
    keys_of,
    revoke_all_keys,
    revoke_key,
    set_daily_limit,
)
from accounts.forms import ApiKeyForm, DailyLimitForm
from accounts.key_use import DAYS, use_of
from accounts.known_devices import NEW_PASSWORD, remember_device
from accounts.models import ApiKey, StatusWords
from accounts.requests import CustomerRequest
from accounts.second_factor import has_second_factor, used_second_factor
from accounts.security_events import log_event
from core.clock import database_now
from core.security_log import Event
from core.shown_once import keep_for_page, take_for_page

#: What a new key is kept under for the page that shows it.
NEW_KEY = "new_api_key"


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "account/account.html", {"page": "account"})


@require_safe
@login_required
@never_cache
def second_factor_needed(request: HttpRequest) -> HttpResponse:
    """Tell staff what the admin asks of them: set up a second factor, or use the one they have in this session."""
    target = get_next_redirect_url(request) or reverse("admin:index")
    if used_second_factor(request) and has_second_factor(request.user):
        return HttpResponseRedirect(target)
    context = {"page": "account", "has_factor": has_second_factor(request.user), "target": target}
    return render(request, "account/second_factor_needed.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_variables("made", "new_key", "context")
def api_keys(request: CustomerRequest) -> HttpResponse:
    """List the customer's keys and create new ones. A new key is shown once, on the page after the form."""
    if request.method == "POST" and not did_recently_reauthenticate(request):
        raise ReauthenticationRequired  # the form goes on afterwards
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_key(customer=request.customer, now=database_now(), **form.key_options())
        except BadKeyOptions as refusal:
            form.add_error(None, str(refusal.message))
        else:
            log_event(Event.API_KEY_CREATED, request, key=made.row.prefix)
            get_adapter(request).send_notification_mail(
                "account/email/api_key_created", request.customer, {"prefix": made.row.prefix}
            )
            keep_for_page(request, NEW_KEY, made.plain, now=database_now())
            return HttpResponseRedirect(reverse("api_keys"))
    new_key = take_for_page(request, NEW_KEY, now=database_now()) if request.method == "GET" else None
    keys = keys_of(request.customer)
    context = {
        "page": "account",
        "form": form,
        "new_key": new_key,
        "new_row": next((key for key in keys if new_key and new_key.startswith(key.prefix)), None),
        "keys": keys,
        "status_words": StatusWords.choices,
    }
    return render(request, "account/api_keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def api_key(request: CustomerRequest, key_id: int) -> HttpResponse:
    """Show what was ordered through one key, day by day, and set its daily limit."""
    key = get_object_or_404(ApiKey, pk=min(key_id, 2**63 - 1), customer=request.customer, revoked_at=None)
    if request.method == "POST" and not did_recently_reauthenticate(request):
        raise ReauthenticationRequired  # a stolen session alone must not raise a limit
    form = DailyLimitForm(request.POST or None, initial={"daily_limit": key.daily_limit})
    if request.method == "POST" and form.is_valid():
        limit = form.cleaned_data["daily_limit"]
        if set_daily_limit(customer=request.customer, key_id=key.pk, limit=limit):
            log_event(Event.API_KEY_CHANGED, request, key_id=key.pk, daily_limit=str(limit or ""))
            messages.success(request, _("Saved. The next order through this key keeps to it."))
        return HttpResponseRedirect(reverse("api_key", args=[key.pk]))
    context = {"page": "account", "key": key, "form": form, "use": use_of(key, now=database_now()), "days": DAYS}
    return render(request, "account/api_key.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def keys_after_password(request: CustomerRequest) -> HttpResponse:
    """Offer to revoke the API keys, which a new password leaves as they are; go on if there are none."""
    keys = keys_of(request.customer)
    if request.method == "POST":
        count = revoke_all_keys(customer=request.customer, now=database_now())
        log_event(Event.API_KEY_REVOKED, request, keys=",".join(key.prefix for key in keys))
        words = ngettext("%(n)d key is revoked.", "%(n)d keys are revoked.", count)
        messages.success(request, words % {"n": count})
    if request.method == "POST" or not keys:
        response: HttpResponse = HttpResponseRedirect(reverse("account"))
    else:
        response = render(request, "account/keys_after_password.html", {"page": "account", "keys": keys})
    # A new password makes every device unknown, this one too. Only the page that was just led here may say so.
    if request.session.pop(NEW_PASSWORD, False):
        remember_device(request, response, request.customer)
    return response


@require_POST
@login_required
def revoke_api_key(request: CustomerRequest, key_id: int) -> HttpResponse:
    if revoke_key(customer=request.customer, key_id=key_id, now=database_now()):
        log_event(Event.API_KEY_REVOKED, request, key_id=key_id)
        messages.success(request, _("The key is revoked and no longer works."))
    return HttpResponseRedirect(reverse("api_keys"))


@require_POST
@login_required
def change_api_key(request: CustomerRequest, key_id: int) -> HttpResponse:
    """Set the words in which this key is answered about subscriptions."""
    words = request.POST.get("status_words", "")
    if change_status_words(customer=request.customer, key_id=key_id, words=words):
        log_event(Event.API_KEY_CHANGED, request, key_id=key_id, words=words)
        messages.success(request, _("Saved. The next answer to this key uses these words."))
    return HttpResponseRedirect(reverse("api_keys"))
