"""The owner's pages as views of the admin; who they are for is checked here, what they show comes from the others."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.clock import database_now
from core.staff_actions import record_staff_actions, staff_actor
from core.staff_rights import SEES_MONEY, may_open
from notices.alerts import close_alerts
from notices.models import Alert, Severity
from orders.pages.stuck import running_orders
from storefront.cockpit import today as figures
from storefront.cockpit.find import Typed
from storefront.cockpit.find import find as find_everywhere
from storefront.cockpit.menu import menu_of
from storefront.cockpit.provider_cards import cards
from storefront.cockpit.todo import HAS_A_LINE, todo_of

#: How long a closed alert stays on the page, and how many do.
_OVER, _MOST_OVER = timedelta(days=7), 20
_COSTLY_FIRST = Case(When(severity=Severity.MONEY, then=0), When(severity=Severity.ATTENTION, then=1), default=2)
#: The colour and the picture of each severity.
BADGES = {
    Severity.MONEY: ("is-failed", "circle-alert"),
    Severity.ATTENTION: ("is-partial", "triangle-alert"),
    Severity.INFO: ("is-progress", "info"),
}


def today(request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
    """Show what the shop earns, what needs a decision, and how its providers are, as far as who asks may see it."""
    now = database_now()
    sees_orders = request.user.has_perm("orders.view_order")
    running = running_orders(now=now) if sees_orders else {}
    todo = todo_of(request, running.values(), now=now)
    sees_providers = sees_orders and request.user.has_perm("catalog.view_provider")
    about = {
        **context,
        "title": _("Today"),
        "menu": menu_of(request, todo.due),
        "now": timezone.localtime(now),
        "todo": todo,
        "today": figures.figures_of(now=now) if request.user.has_perm(SEES_MONEY) else None,
        "cards": cards(running, now=now) if sees_providers else None,
    }
    return TemplateResponse(request, "admin/cockpit/today.html", about)


def find(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show what a text may stand for, by kind; lead straight to the one thing whose whole number or address it is."""
    typed = Typed.read(request.GET.get("q", ""))
    found = find_everywhere(request, typed)
    if found.only is not None:
        return HttpResponseRedirect(found.only.url)
    about = {"title": _("Search"), "typed": typed.text, "found": found}
    return TemplateResponse(request, "admin/cockpit/find.html", {**context, **about})


def alerts(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the open alerts, the costly ones first, and those that were closed in the last days; close one."""
    if not request.user.has_perm("notices.view_alert"):
        raise PermissionDenied
    now = database_now()
    if request.method == "POST":
        if not request.user.has_perm("notices.change_alert"):
            raise PermissionDenied
        return _close(request, now)
    is_open = Alert.objects.filter(closed_at=None)
    has_others_only = request.GET.get("others") == "1"
    if has_others_only:
        is_open = is_open.exclude(cause__regex=HAS_A_LINE)
    about = {
        "title": _("Alerts"),
        "has_others_only": has_others_only,
        "open": [
            (alert, *BADGES[Severity(alert.severity)], may_open(request, alert.page))
            for alert in is_open.order_by(_COSTLY_FIRST, "-last_at")
        ],
        "over": Alert.objects.filter(closed_at__gte=now - _OVER).order_by("-closed_at")[:_MOST_OVER],
        "may_close": request.user.has_perm("notices.change_alert"),
    }
    return TemplateResponse(request, "admin/cockpit/alerts.html", {**context, **about})


def _close(request: HttpRequest, now: datetime) -> HttpResponse:
    """Close the alert that was sent, and go back to the list."""
    number = request.POST.get("alert", "")
    chosen = number if number.isascii() and number.isdigit() and len(number) < 19 else "0"
    with transaction.atomic():
        rows = list(Alert.objects.filter(pk=chosen, closed_at=None))
        close_alerts([row.cause for row in rows], now=now, actor=str(request.user))
        record_staff_actions(staff_actor(request), "alert.close", rows)
    messages.success(request, _("The alert is closed.") if rows else _("The alert was closed before."))
    return HttpResponseRedirect(reverse("admin:alerts"))
