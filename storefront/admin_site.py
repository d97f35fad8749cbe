"""The admin site: staff enter it with a second factor, and confirm who they are before what could ruin the shop."""

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, path, resolve, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.second_factor import admission_of
from accounts.security_events import log_event
from core.security_log import Event
from storefront.cockpit import pages
from storefront.cockpit.customers import pages as customers
from storefront.cockpit.due import due_of
from storefront.cockpit.menu import menu_of
from storefront.cockpit.reports.views import report


def _always(match: ResolverMatch) -> bool:
    return True


def _never(match: ResolverMatch) -> bool:
    return False


def _about_staff(match: ResolverMatch) -> bool:
    """True unless it is surely the page of a customer, who has no roles: the admin reads an id in many spellings."""
    person = match.kwargs["object_id"]
    is_plain = person.isascii() and person.isdigit() and len(person) < 19
    return not (is_plain and User.objects.filter(pk=person, is_staff=False).exists())


#: Pages that ask who is there if that was more than ACCOUNT_REAUTHENTICATION_TIMEOUT ago, with the second factor of
#: whoever has one: also before the form is shown, so that nobody fills it in and is sent away.
CONFIRMED: Mapping[str, Callable[[ResolverMatch], bool]] = {
    # money
    "billing_wallet_credit": _always,
    "billing_wallet_debit": _always,
    "billing_wallet_unfreeze": _always,
    "billing_paymentmethod_add": _always,
    "billing_paymentmethod_change": _always,
    "billing_paymentmethod_test": _always,
    "billing_depositrule_add": _always,
    "billing_depositrule_change": _always,
    "billing_depositrule_delete": _always,
    "billing_topup_decide": _always,
    "billing_topup_refund": _always,
    "billing_topup_refund_by_hand": _always,
    "billing_topup_release": _always,
    "billing_topup_review": _always,
    "billing_topup_surplus": _always,
    "billing_moneysettings_change": _always,
    "billing_bonusrule_add": _always,
    "billing_bonusrule_change": _always,
    "billing_unknownpayment_close": _always,
    "billing_voucherbatch_add": _always,
    "orders_order_settle": _always,
    "orders_order_link": _always,
    "orders_order_refund": _always,
    "orders_order_cancel": _always,
    "orders_order_bulk": _always,
    "orders_order_refill": _always,
    "orders_order_nothing_to_do": _always,
    "orders_doubtfulorder_placed": _always,
    "orders_doubtfulorder_not_placed": _always,
    "orders_ownid_foreign": _always,
    "orders_provideraccount_enter": _always,
    "orders_requestidtest_order": _always,
    # rights
    "accounts_user_add": _always,
    "accounts_user_change": _about_staff,
    "accounts_user_view_as": _always,
    "accounts_user_freeze": _always,
    "accounts_user_revoke": _always,
    "auth_group_add": _always,
    "auth_group_change": _always,
    "auth_group_delete": _always,
    # where the shop buys, and what it asks for it; the pages that change prices ask by themselves
    # as soon as a price would change (catalog.admin.price_preview)
    "catalog_provider_add": _always,
    "catalog_provider_change": _always,
    "catalog_provider_test": _always,
    "catalog_provider_open": _always,
    "catalog_provider_open_test": _always,
    "catalog_service_import_prices": _always,
    "catalog_customerprice_add": _always,
    "catalog_customerprice_change": _always,
    "catalog_customerprice_delete": _always,
    "catalog_customerprice_import": _always,
    # what customers are asked to accept
    "pages_ownpage_publish": _always,
    # the doors
    "core_shopsettings_open": _always,
}


def _deletes_chosen(request: HttpRequest, match: ResolverMatch) -> bool:
    """True if rows chosen in a list are to be deleted of which a single one is not deleted without confirmation."""
    table = (match.url_name or "").removesuffix("_changelist")
    return f"{table}_delete" in CONFIRMED and "delete_selected" in request.POST.getlist("action")


#: Forms with a password, a key or a file in them: nothing of those waits in the session while the person confirms.
NOT_KEPT = frozenset(
    {
        "billing_paymentmethod_change",
        "accounts_user_add",
        "catalog_provider_add",
        "catalog_provider_change",
        "catalog_service_import_prices",
        "catalog_customerprice_import",
    }
)


class ShopAdminSite(AdminSite):
    """The admin, for owners and staff."""

    site_header = _("Permille")
    site_title = _("Permille")
    index_title = _("All tables")
    enable_nav_sidebar = False  # The menu of every page is ours (`storefront.cockpit.menu`).

    def get_urls(self) -> list[Any]:
        return [
            path("tables/", self.admin_view(self.tables), name="tables"),
            path("find/", self.admin_view(self._page(pages.find)), name="find"),
            path("money/", self.admin_view(self._page(report)), name="report"),
            path("money/<slug:kind>/", self.admin_view(self._page(report)), name="report"),
            path("alerts/", self.admin_view(self._page(pages.alerts)), name="alerts"),
            *self._pages_of_customers(),
            *super().get_urls(),
        ]

    def _pages_of_customers(self) -> list[Any]:
        """The pages of one customer. The first takes the place of Django's form, which staff and changes still get."""
        return [
            path(f"accounts/user/{rest}/", self.admin_view(shown), name=f"accounts_user_{name}")
            for rest, name, shown in (
                ("<path:object_id>/change", "change", self._person),
                ("<int:pk>/statement", "statement", self._page(customers.statement)),
                ("<int:pk>/freeze", "freeze", self._page(customers.freeze)),
                ("<int:pk>/note", "note", self._page(customers.note)),
                ("<int:pk>/keys/<int:key_id>/revoke", "revoke", self._page(customers.revoke)),
            )
        ]

    def _person(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show a customer; of staff, and to change the group of a customer, the form of the admin."""
        found = customers.customer_or_none(object_id)
        if found is not None and request.method in ("GET", "HEAD") and "edit" not in request.GET:
            return customers.customer(request, self.each_context(request), found)
        return self.get_model_admin(User).change_view(request, object_id)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The owner's first page: what the shop earns and what needs a decision."""
        return pages.today(request, self.each_context(request))

    def _page(self, shown: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Return a view that calls ``shown`` with what every page of the admin knows."""

        def view(request: HttpRequest, **where: Any) -> HttpResponseBase:
            return shown(request, self.each_context(request), **where)

        return view

    def tables(self, request: HttpRequest) -> HttpResponse:
        """Every table that who asks may see, as Django's own first page lists them."""
        return super().index(request)

    def has_permission(self, request: HttpRequest) -> bool:
        """True for active staff whom their second factor, or one of two exceptions, lets in."""
        return super().has_permission(request) and bool(admission_of(request))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap a page of the admin: it is for whom has_permission admits, and may want a confirmation first."""
        shown = super().admin_view(view, cacheable)

        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if super(ShopAdminSite, self).has_permission(request):
                if not admission_of(request):
                    log_event(Event.ADMIN_REFUSED, request, path=request.path, why="no_second_factor")
                    return _redirect("second_factor_needed", to=request.get_full_path())
                match = resolve(request.path_info)
                wants_confirmation = CONFIRMED.get(match.url_name or "", _never)
                is_wanted = wants_confirmation(match) or _deletes_chosen(request, match)
                if is_wanted and not did_recently_reauthenticate(request):
                    return self._confirm(request, match)
            elif request.user.is_authenticated:
                log_event(Event.ADMIN_REFUSED, request, path=request.path, why="not_staff")
            try:
                response: HttpResponse = shown(request, *args, **kwargs)
            except PermissionDenied:
                log_event(Event.ADMIN_REFUSED, request, path=request.path, why="no_permission")
                raise
            return response

        return update_wrapper(checked, shown)

    def _confirm(self, request: HttpRequest, match: ResolverMatch) -> HttpResponse:
        """Ask who is there; afterwards the form that was sent goes on, or is shown again if it must not be kept."""
        if request.method == "POST" and match.url_name in NOT_KEPT:
            messages.warning(request, _t("Nothing was saved. Fill in the form once more."))
            return _redirect("account_reauthenticate", to=request.get_full_path())
        raise ReauthenticationRequired

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # Lazy: answers without a page count nothing, and *Today* has a menu of its own.
        menu = SimpleLazyObject(lambda: menu_of(request, due_of(request)))
        return {**super().each_context(request), "admission": admission_of(request), "menu": menu}

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the shop's own sign-in page, which has the second factor and the limits."""
        return HttpResponseRedirect(reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Redirect to the shop's own page, which limits how often the old password can be guessed."""
        return HttpResponseRedirect(reverse("account_change_password"))


def _redirect(name: str, *, to: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': to})}")
