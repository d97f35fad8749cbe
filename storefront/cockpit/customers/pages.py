"""The pages of one customer: everything on one, the whole statement, and what staff do after a reason was given."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts import viewing
from accounts.api_keys import revoke_key
from accounts.freezing import freeze_customer, unfreeze_customer
from accounts.models import ApiKey, User
from accounts.reason_form import ReasonForm
from billing.queries import statement as read_statement
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import record_staff_action, staff_actor
from orders.pages.search import number_in
from storefront.cockpit.customers.actions import actions_of, freezing_effects, unfreezing_effects
from storefront.cockpit.customers.money import KINDS, money_of_customer
from storefront.cockpit.customers.reading import about_customer
from support.customer_notes import add_customer_note
from support.models import LONGEST_CUSTOMER_NOTE

PAGE = "admin:accounts_user_change"
_MAY_CHANGE, _MAY_NOTE, _MAY_REVOKE = "accounts.change_user", "support.add_customernote", "accounts.change_apikey"


def customer_or_none(object_id: str) -> User | None:
    """Return the customer whom a part of an address names; None for staff, and where there is nobody."""
    is_number = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
    people = User.objects.select_related("group")
    return people.filter(pk=object_id, is_staff=False).first() if is_number else None


def customer(request: HttpRequest, context: dict[str, Any], found: User, **more: Any) -> TemplateResponse:
    """Show the page of one customer, as far as who asks may see its parts."""
    if not request.user.has_perm("accounts.view_user"):
        raise PermissionDenied
    may = request.user.has_perm
    about = about_customer(request, found, now=database_now())
    page = {
        **context,
        **about,
        "title": str(found),
        "customer": found,
        "actions": actions_of(request, found, about.get("money")),
        "may_view_as": may(viewing.PERMISSION) and found.is_active,
        "may_note": may(_MAY_NOTE),
        "may_revoke": may(_MAY_REVOKE),
        "may_move_money": may("billing.change_wallet"),
        "longest": LONGEST_CUSTOMER_NOTE,
    }
    return TemplateResponse(request, "admin/cockpit/customer.html", page | more)


def statement(request: HttpRequest, context: dict[str, Any], pk: int) -> HttpResponse:
    """Show every movement of the customer's wallet, or those behind one of its sums."""
    found = _customer(request, pk, "billing.view_wallet")
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    shown = read_statement(
        found,
        codes=KINDS.get(kind),
        before=number_in(request.GET.get("before", "")),
        after=number_in(request.GET.get("after", "")),
    )
    sums = money_of_customer(found)
    page = {
        "title": _("Statement"),
        "customer": found,
        "kind": kind,
        "kinds": _kinds(),
        "statement": shown,
        "money": sums,
        "sum": getattr(sums, kind) if kind else sums.balance,
    }
    return TemplateResponse(request, "admin/cockpit/customer_statement.html", {**context, **page})


def freeze(request: HttpRequest, context: dict[str, Any], pk: int) -> HttpResponse:
    """Freeze the customer, or end that, once it was read what becomes of keys, orders and wallet."""
    found = _customer(request, pk, _MAY_CHANGE)
    # What the person saw decides, so that a second click cannot undo the first.
    verb = request.POST.get("verb", "freeze" if found.is_active else "unfreeze")
    is_freezing = verb != "unfreeze"
    about = about_customer(request, found, now=database_now())
    change = freeze_customer if is_freezing else unfreeze_customer
    words = {"customer": found}

    def act(reason: str) -> str:
        is_new = change(customer_id=pk, reason=reason, actor=staff_actor(request), now=database_now())
        if is_freezing:
            return (_("%(customer)s is frozen.") if is_new else _("%(customer)s was frozen before.")) % words
        return (_("%(customer)s can sign in again.") if is_new else _("%(customer)s was not frozen.")) % words

    if is_freezing:
        title, button, effects = _("Freeze %(customer)s") % words, _("Freeze"), freezing_effects(about)
    else:
        title, button, effects = _("Unfreeze %(customer)s") % words, _("Unfreeze"), unfreezing_effects(about)
    return _ask(request, context, found, title, button, verb, effects, act)


def revoke(request: HttpRequest, context: dict[str, Any], pk: int, key_id: int) -> HttpResponse:
    """Revoke one API key of the customer."""
    found = _customer(request, pk, _MAY_REVOKE)
    row = get_object_or_404(ApiKey, pk=key_id if key_id < 2**63 else 0, customer=found)
    words = {"key": str(row)}

    def act(reason: str) -> str:
        with transaction.atomic():
            is_new = revoke_key(customer=found, key_id=row.pk, now=database_now())
            if is_new:
                record_staff_action(staff_actor(request), "api_key.revoke", row, reason=reason)
        return (_("%(key)s is revoked.") if is_new else _("%(key)s was revoked before.")) % words

    effects = [
        (_("Now"), _("Requests with this key are refused at once. Its orders go on.")),
        (_("Later"), _("It cannot be undone. The customer can create another key.")),
    ]
    return _ask(request, context, found, _("Revoke %(key)s") % words, _("Revoke"), "revoke", effects, act)


def note(request: HttpRequest, context: dict[str, Any], pk: int) -> HttpResponse:
    """Keep a note about the customer, which nobody can change afterwards."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found, typed = _customer(request, pk, _MAY_NOTE), request.POST.get("text", "")
    try:
        add_customer_note(customer=found, text=typed, actor=staff_actor(request), now=database_now())
    except Refusal as refusal:
        return customer(request, context, found, typed=typed, problem=str(refusal.message))
    messages.success(request, _("The note is kept. The customer does not see it."))
    return redirect(PAGE, pk)


def _customer(request: HttpRequest, pk: int, right: str) -> User:
    """Return the customer, for those who may see people and have ``right`` as well."""
    if not (request.user.has_perm("accounts.view_user") and request.user.has_perm(right)):
        raise PermissionDenied
    found = customer_or_none(str(pk))
    if found is None:
        raise Http404("no such customer")
    return found


def _ask(
    request: HttpRequest, context: dict[str, Any], found: User, title: str, button: str, verb: str,
    effects: Sequence[tuple[str, str]], act: Callable[[str], str],
) -> HttpResponse:  # fmt: skip
    """Say what would happen and ask for the reason; with one, do it and lead back to the customer."""
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, act(form.cleaned_data["reason"]))
        except Refusal as refusal:
            form.add_error("reason", str(refusal.message))
        else:
            return redirect(PAGE, found.pk)
    page = {"title": title, "customer": found, "button": button, "verb": verb, "effects": effects, "form": form}
    return TemplateResponse(request, "admin/cockpit/customer_ask.html", {**context, **page})


def _kinds() -> list[tuple[str, str]]:
    return [
        ("", _("Everything")), ("added", _("Added")), ("orders", _("Orders")), ("refunded", _("Refunded")),
        ("taken", _("Taken back")),
    ]  # fmt: skip
