"""Staff see the shop as one customer does, for half an hour, and change nothing.

They stay signed in as themselves. Pages of the shop then show the customer's rows. Every page runs in a transaction
that is rolled back, so nothing is written for the customer, whatever a page would do. Pages of credentials, keys and
downloads are as if they did not exist. The admin is not concerned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from core.clock import database_now
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action, staff_actor

LASTS = timedelta(minutes=30)
PERMISSION = "accounts.view_as_customer"
#: In the session: whose shop is seen, until when.
VIEWING = "viewing"
#: Pages of the shop that are shown; all others of its pages, and those in HIDDEN, are not found.
_SHOWN = frozenset({"catalog", "orders", "billing", "pages", "support"})
#: By the end of their names: downloads, and what changes something when it is read.
HIDDEN = (
    "csv", "left", "results", "export", "download", "proof", "receipt", "demo_payment", "currency", "file", "pdf",
)  # fmt: skip


class CannotView(Refusal):
    """The person is no active customer."""

    code = "cannot_view"


@dataclass(frozen=True)
class Viewing:
    """``customer`` is whose shop is seen, ``until`` when it ends."""

    customer: User
    until: datetime


def begin(request: HttpRequest, customer: User, *, reason: str, now: datetime) -> None:
    """Let the member of staff see the shop as ``customer`` for half an hour. Raises NoReason, CannotView."""
    demand_reason(reason)
    if customer.is_staff or not customer.is_active:
        raise CannotView(_("Only an active customer’s shop can be viewed."))
    until = now + LASTS
    with transaction.atomic():
        finish(request)
        record_staff_action(
            staff_actor(request), "customer.view_begin", customer, reason=reason, after={"until": until.isoformat()}
        )
    request.session[VIEWING] = {"customer": customer.pk, "until": until.isoformat()}


def finish(request: HttpRequest) -> int | None:
    """End it, and write that down; return whose shop was seen, None if nobody's."""
    kept = request.session.pop(VIEWING, None)
    if kept is None:
        return None
    customer = User.objects.filter(pk=kept["customer"]).first()
    if customer is None:
        return None
    user = request.user
    actor = staff_actor(request) if user.is_authenticated else Actor(code="staff", name="staff")
    record_staff_action(actor, "customer.view_end", customer)
    return customer.pk


@receiver(user_logged_out)
def _end_with_the_session(request: HttpRequest, **_others: object) -> None:
    """End it when who sees the shop as a customer signs out, while the session still says so."""
    finish(request)


@require_POST
@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """End it, and lead back to the customer's page in the admin."""
    seen = finish(request)
    return redirect("admin:accounts_user_change", seen) if seen else redirect("catalog:prices")


class ViewingMiddleware:
    """Sets ``request.viewing`` and keeps what such a request may do. It comes last, next to the page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.viewing = None  # type: ignore[attr-defined]
        # Without a session's cookie nobody is asked, so that visitors' pages stay the same for all.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or _is_admin(request) or VIEWING not in request.session:
            return self.get_response(request)
        kept, now = request.session[VIEWING], database_now()
        until = datetime.fromisoformat(kept["until"])
        customer = User.objects.filter(pk=kept["customer"], is_active=True, is_staff=False).first()
        may = request.user.is_authenticated and request.user.is_staff and request.user.has_perm(PERMISSION)
        if now >= until or customer is None or not may:
            finish(request)
            messages.info(request, _("Viewing as a customer has ended."))
            return redirect("admin:index")
        if request.path_info == reverse("stop_viewing"):
            return self.get_response(request)
        request.viewing = Viewing(customer, until)  # type: ignore[attr-defined]
        with transaction.atomic():
            response = self.get_response(request)
            transaction.set_rollback(True)
            return response

    def process_view(self, request: HttpRequest, _view: object, _args: object, _kwargs: object) -> None:
        """Find no page that is not shown, and refuse everything that is meant to change something."""
        place = request.resolver_match
        if getattr(request, "viewing", None) is None or place is None:
            return
        name = place.url_name or ""
        if not set(place.namespaces) & _SHOWN or name.endswith(HIDDEN):
            raise Http404("not shown to staff who view as a customer")
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied(_("You view the shop as a customer: nothing can be changed."))


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))
