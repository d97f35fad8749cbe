"""The ready roles of staff: what each may do, and the groups that stand for them.

Owners need no group: they are superusers. Every table of the admin has a line here, so that a new table never appears
by chance; a test compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffLimit, StaffRole
from core.staff_actions import record_staff_action, shell_actor

OWNER = "owner"
_ACTIONS = {"v": "view", "a": "add", "c": "change", "d": "delete", "=": "view_as_customer"}
_COLUMNS = ("manager", "support", "accountant", "catalog")
#: By table, what the roles of _COLUMNS may do: v view, a add, c change, d delete, = view the shop as a customer.
_RIGHTS: Mapping[str, tuple[str, str, str, str]] = {
    # who
    "accounts.user": ("vc=", "v=", "v", ""),
    "accounts.apikey": ("vc", "vc", "", ""),
    "accounts.customergroup": ("vacd", "v", "", "vacd"),
    "auth.group": ("", "", "", ""),  # only owners, whatever a group says
    # money
    "billing.wallet": ("vc", "v", "vc", ""),
    "billing.topup": ("vc", "v", "vc", ""),
    "billing.transfer": ("v", "v", "v", ""),
    "billing.hold": ("v", "v", "v", ""),
    "billing.document": ("vc", "v", "vc", ""),
    "billing.unknownpayment": ("v", "", "v", ""),
    "billing.voucherbatch": ("va", "", "va", ""),
    "billing.bonusrule": ("v", "", "v", ""),
    "billing.depositrule": ("vacd", "", "v", ""),
    "billing.moneysettings": ("v", "", "v", ""),
    "billing.paymentmethod": ("v", "", "v", ""),
    # what is sold
    "catalog.category": ("vac", "v", "", "vac"),
    "catalog.service": ("vc", "v", "v", "vc"),
    "catalog.markuprule": ("vacd", "", "", "vacd"),
    "catalog.priceadjustment": ("vac", "", "", "vac"),
    "catalog.customerprice": ("vacd", "v", "", ""),
    "catalog.orderrules": ("vac", "", "", "vac"),
    "catalog.displaycurrency": ("vac", "", "v", "v"),
    "catalog.provider": ("v", "", "v", "v"),
    "catalog.providerservice": ("vc", "", "", "vc"),
    "catalog.syncrun": ("v", "", "", "v"),
    "catalog.unlistedtext": ("vc", "", "", "vc"),
    # orders; "change doubtful order" is deciding, refunding, canceling and settling
    "orders.order": ("v", "v", "v", ""),
    "orders.doubtfulorder": ("vc", "vc", "v", ""),
    "orders.job": ("v", "v", "", ""),
    "orders.refill": ("v", "v", "", ""),
    "orders.cancellation": ("v", "v", "", ""),
    "orders.childorder": ("v", "v", "", ""),
    "orders.ownid": ("vc", "", "", ""),
    "orders.requestidtest": ("v", "", "", ""),
    "orders.provideraccount": ("v", "", "v", ""),
    "orders.providerentry": ("a", "", "a", ""),
    "orders.reconciliationbreak": ("vc", "", "vc", ""),
    "orders.moneyday": ("v", "", "v", ""),
    # customers who ask
    "support.ticket": ("vc", "vc", "v", ""),
    "support.cannedanswer": ("vacd", "vac", "", ""),
    "support.customernote": ("va", "va", "v", ""),
    # the shop
    "pages.ownpage": ("vac", "v", "", ""),
    "pages.termsversion": ("v", "v", "", ""),
    "pages.termsacceptance": ("v", "v", "", ""),
    "core.shopsettings": ("v", "", "", ""),
    "core.staffaction": ("v", "", "v", ""),
    "notices.alert": ("vc", "v", "v", ""),
    "notices.heartbeat": ("v", "", "", ""),
    "notices.outbox": ("vc", "v", "", ""),
}


@dataclass(frozen=True)
class Role:
    """A ready role. The limits, in the shop's currency, are those of a new group; the owner changes them."""

    code: str
    name: str
    may: str | Promise
    per_day: Decimal | None = None
    per_action: Decimal | None = None

    @property
    def rights(self) -> frozenset[str]:
        """The permissions that the role has, such as "orders.view_order"."""
        column = _COLUMNS.index(self.code)
        return frozenset(_right(table, letter) for table, columns in _RIGHTS.items() for letter in columns[column])


ROLES = (
    Role(
        "manager", "Manager",
        _("The daily work: orders, customers, payments, services, prices and tickets. Sees what the shop earns. Not: "
          "staff, payment methods, accounts at providers, settings of the shop."),
        Decimal(500), Decimal(200),
    ),
    Role(
        "support", "Support",
        _("Answers tickets, finds customers and orders, refunds, cancels and settles orders. Sees wallets and "
          "payments. Not: credits, prices, providers, what the shop earns."),
        Decimal(50), Decimal(20),
    ),
    Role(
        "accountant", "Accountant",
        _("Payments, transfers, receipts and reports; credits and debits wallets, sends payments back, makes "
          "vouchers. Looks at orders and services, but changes neither them nor prices."),
        Decimal(1000), Decimal(500),
    ),
    Role(
        "catalog", "Catalog editor",
        _("Services, categories, prices, price groups and the providers' lists. Not: customers, orders, money."),
    ),
)  # fmt: skip


def tables_with_rights() -> frozenset[str]:
    """Return the tables, such as "orders.order", about which it is written down what each role may do."""
    return frozenset(_RIGHTS)


def sync_roles() -> None:
    """Bring the groups of the ready roles in line with the table; `migrate` calls this at its end.

    A right that is new in the table is given once, and one that left it is taken back. What an owner gave or took
    stays, and a group that an owner deleted stays deleted.
    """
    permissions = Permission.objects.select_related("content_type")
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in permissions}
    with transaction.atomic():
        rows = {row.code: row for row in StaffRole.objects.select_for_update().all()}
        groups = {group.pk: group for group in Group.objects.filter(ready_role__isnull=False)}
        for role in ROLES:
            row, is_new = rows.get(role.code), role.code not in rows
            group = _make(role) if row is None else groups.get(row.group_id or 0)
            if group is None:
                continue
            row = row or StaffRole(code=role.code, group=group)
            wanted, given = role.rights & known.keys(), frozenset(row.given)
            if wanted == given and not is_new:
                continue
            group.permissions.add(*(known[right] for right in wanted - given))
            group.permissions.remove(*(known[right] for right in given - wanted if right in known))
            row.given = sorted(wanted)
            row.save()
            if not is_new:
                taken, new = ", ".join(sorted(given - wanted)), ", ".join(sorted(wanted - given))
                record_staff_action(shell_actor(), "role.sync", group, before={"rights": taken}, after={"rights": new})


def _make(role: Role) -> Group:
    """Make the group of a role with its first limits; one of the owner's own that has the name stays as it is."""
    is_taken = Group.objects.filter(name=role.name).exists()
    group = Group.objects.create(name=f"{role.name} (ready)" if is_taken else role.name)
    if role.per_day is not None or role.per_action is not None:
        StaffLimit.objects.create(group=group, per_day=role.per_day, per_action=role.per_action)
    return group


def _right(table: str, letter: str) -> str:
    app, model = table.split(".")
    action = _ACTIONS[letter]
    return f"{app}.{action}" if "_" in action else f"{app}.{action}_{model}"
