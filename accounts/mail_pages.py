"""The pages on which customers choose which mails they get: in their account, and by the link of a mail."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.mail_choices import (
    DAILY_AT,
    MANY,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    REFILL,
    SWITCHES,
    TICKET,
    TOP_UP,
    are_on,
    choices_of,
    read_token,
    set_switches,
)
from accounts.models import MailChoices, Pace
from accounts.requests import CustomerRequest
from core.numbers import NumberField

#: The choice of no mails about orders, which is a switch of its own: the pace is kept for when the customer switches
#: them on again.
OFF = "off"
KINDS = (ORDER_COMPLETED, ORDER_REFUNDED, REFILL, TOP_UP, TICKET)


class MailChoicesForm(forms.Form):
    """One checkbox for each kind of mail, when mails about orders come, and the daily mail of what programs order."""

    kinds = forms.MultipleChoiceField(choices=[(name, SWITCHES[name]) for name in KINDS], required=False)
    pace = forms.ChoiceField(choices=[*Pace.choices, (OFF, _("Never"))])
    bulk = forms.BooleanField(required=False)
    low_below = NumberField(required=False, min_value=Decimal("0.01"), max_digits=17, decimal_places=5)

    def save(self, choices: MailChoices) -> None:
        given = self.cleaned_data
        for name in KINDS:
            setattr(choices, name, name in given["kinds"])
        choices.bulk, choices.orders = given["bulk"], given["pace"] != OFF
        if choices.orders:
            choices.pace = given["pace"]
        if given["low_below"] != choices.low_below or not choices.low_balance:
            choices.low_since = None  # another limit has falls of its own
        choices.low_balance, choices.low_below = given["low_below"] is not None, given["low_below"]
        choices.save()


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def notifications(request: CustomerRequest) -> HttpResponse:
    """Show which mails the customer gets, and save what they choose."""
    choices = choices_of(request.customer)
    kinds = [name for name in KINDS if getattr(choices, name)]
    shown = {"kinds": kinds, "pace": choices.pace if choices.orders else OFF, "bulk": choices.bulk}
    shown["low_below"] = choices.low_below if choices.low_balance else None
    form = MailChoicesForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        form.save(choices)
        messages.success(request, _t("Saved."))
        return HttpResponseRedirect(reverse("notifications"))
    context = {"page": "account", "form": form, "many": MANY, "daily_at": f"{DAILY_AT:%H:%M}"}
    return render(request, "account/notifications.html", context)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def fewer_mails(request: HttpRequest, token: str) -> HttpResponse:
    """Switch off the mails of one link, or on again; works without signing in. 404 for a link that is not ours.

    The signature of the link stands for the form token that programs of mail do not have (RFC 8058). They get an
    answer and no redirect; a person who pressed a button is led back to the page, which says how it stands.
    """
    if (found := read_token(token)) is None:
        raise Http404("not a link of a mail")
    customer_id, switches = found
    is_program = request.POST.get("List-Unsubscribe") == "One-Click"
    if request.method == "POST":
        if not set_switches(customer_id, switches, on=not is_program and request.POST.get("action") == "on"):
            messages.info(request, _t("Set the balance below which we write to you."))
            return HttpResponseRedirect(reverse("notifications"))
        if not is_program:
            return HttpResponseRedirect(reverse("fewer_mails", args=[token]))
    context = {"is_on": are_on(customer_id, switches), "names": [SWITCHES[name] for name in switches]}
    return render(request, "account/fewer_mails.html", context)
