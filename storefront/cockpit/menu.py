"""The menu of the owner's side, in the order in which owners work; tables of the machine stand under "Inside"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.staff_rights import SEES_MONEY


@dataclass(frozen=True)
class _Place:
    """An entry of the menu: shown to holders of ``right``; ``below`` are paths of the admin that belong to it."""

    area: str
    label: Promise
    icon: str
    page: str
    right: str = ""
    below: tuple[str, ...] = ()


_MAIN = (
    _Place("today", _("Today"), "trending-up", "admin:index"),
    _Place(
        "orders", _("Orders"), "list-ordered", "admin:orders_order_changelist", "orders.view_order",
        ("orders/order/", "orders/doubtfulorder/", "orders/refill/", "orders/cancellation/", "orders/childorder/"),
    ),
    _Place(
        "customers", _("Customers"), "user", "admin:accounts_user_changelist", "accounts.view_user",
        ("accounts/user/", "billing/wallet/", "accounts/customergroup/", "accounts/apikey/",
         "catalog/customerprice/"),
    ),
    _Place(
        "services", _("Services and prices"), "tag", "admin:catalog_service_changelist", "catalog.view_service",
        ("catalog/service/", "catalog/category/", "catalog/markuprule/", "catalog/priceadjustment/",
         "catalog/orderrules/", "catalog/displaycurrency/"),
    ),
    _Place(
        "providers", _("Providers"), "zap", "admin:catalog_provider_changelist", "catalog.view_provider",
        ("catalog/provider/", "catalog/providerservice/", "orders/provideraccount/", "orders/reconciliationbreak/"),
    ),
    _Place("money", _("Money"), "wallet", "admin:report", SEES_MONEY, ("money/", "billing/")),
    _Place("tickets", _("Tickets"), "message-square", "admin:support_ticket_changelist", "support.view_ticket",
           ("support/",)),
    _Place(
        "settings", _("Settings"), "settings", "admin:core_shopsettings_changelist", "core.view_shopsettings",
        ("core/shopsettings/", "pages/", "auth/group/", "billing/paymentmethod/"),
    ),
)  # fmt: skip
_INSIDE = (
    _Place("alerts", _("Alerts"), "", "admin:alerts", "notices.view_alert", ("alerts/", "notices/alert/")),
    _Place("jobs", _("Jobs of staff"), "", "admin:orders_job_changelist", "orders.change_doubtfulorder"),
    _Place("actions", _("What staff did"), "", "admin:core_staffaction_changelist", "core.view_staffaction"),
    _Place("topups", _("Top-ups"), "", "admin:billing_topup_changelist", "billing.view_topup"),
    _Place("transfers", _("Transfers"), "", "admin:billing_transfer_changelist", "billing.view_transfer"),
    _Place("holds", _("Holds"), "", "admin:billing_hold_changelist", "billing.view_hold"),
    _Place("syncs", _("Syncs"), "", "admin:catalog_syncrun_changelist", "catalog.view_syncrun"),
    _Place("mails", _("Mails"), "", "admin:notices_outbox_changelist", "notices.view_outbox"),
    _Place("heartbeats", _("Heartbeats"), "", "admin:notices_heartbeat_changelist", "notices.view_heartbeat"),
    _Place("tables", _("All tables"), "", "admin:tables"),
)
#: Shortcuts at the bottom of a phone.
_DOCK = ("today", "orders", "customers", "tickets", "money")


@dataclass(frozen=True)
class Entry:
    """One line of the menu. ``due`` is how much is to do there."""

    area: str
    label: Promise
    icon: str
    url: str
    is_here: bool = False
    due: int = 0


@dataclass(frozen=True)
class Menu:
    main: list[Entry] = field(default_factory=list)
    inside: list[Entry] = field(default_factory=list)

    @property
    def dock(self) -> list[Entry]:
        return [entry for entry in self.main if entry.area in _DOCK]

    @property
    def is_inside(self) -> bool:
        return any(entry.is_here for entry in self.inside)


def menu_of(request: HttpRequest, due: Mapping[str, int] | None = None) -> Menu:
    """Return the menu of who asks, with ``due`` as what is to do in each area."""
    home = reverse("admin:index")
    here = request.path.removeprefix(home) if request.path.startswith(home) else ""
    counts = due or {}

    def entries(places: tuple[_Place, ...]) -> list[Entry]:
        return [
            Entry(p.area, p.label, p.icon, reverse(p.page), p.area == current, counts.get(p.area, 0))
            for p in places
            if not p.right or request.user.has_perm(p.right)
        ]

    current = _area_of(here)
    return Menu(entries(_MAIN), entries(_INSIDE))


def _area_of(here: str) -> str:
    """Return the area that a path of the admin belongs to, the one with the longest beginning."""
    if not here:
        return "today"
    home = reverse("admin:index")
    found = [
        (len(start), place.area)
        for place in (*_MAIN, *_INSIDE)
        for start in (*place.below, reverse(place.page).removeprefix(home))
        if start and here.startswith(start)
    ]
    return max(found)[1] if found else ""
