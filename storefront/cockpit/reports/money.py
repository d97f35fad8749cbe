"""Top-ups by payment method with their fees, and what the shop owes its customers."""

from decimal import Decimal

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.models import Account, AccountKind, Code
from orders.states import sql_list
from storefront.cockpit.reports.period import Period
from storefront.cockpit.reports.table import Column, Line, Table
from storefront.cockpit.today import Owed

_IN = (Code.TOPUP, Code.CHARGEBACK_BACK, Code.LOSS_BACK)
_BACK = (Code.TOPUP_REFUND, Code.CHARGEBACK, Code.CHARGEBACK_LOSS)
_CODES = (*_IN, *_BACK, Code.TOPUP_FEE, Code.FEE, Code.BONUS, Code.BONUS_BACK)


def _sum(*codes: Code) -> str:
    return f"coalesce(sum(t.amount) FILTER (WHERE t.code IN ({sql_list(codes)})), 0)"


# What has no method is a credit of another kind, such as a bonus by hand.
_BY_METHOD = f"""
    SELECT m.id, m.name, count(*) FILTER (WHERE t.code = '{Code.TOPUP}'), {_sum(*_IN)}, {_sum(*_BACK)},
           {_sum(Code.TOPUP_FEE)}, {_sum(Code.FEE)}, {_sum(Code.BONUS)} - {_sum(Code.BONUS_BACK)}
    FROM billing_transfer t
    LEFT JOIN billing_topup u ON t.reference LIKE 'topup:%%'
        AND u.id = CASE WHEN t.reference ~ '^topup:[0-9]{{1,18}}$' THEN split_part(t.reference, ':', 2)::bigint END
    LEFT JOIN billing_paymentmethod m ON m.id = u.method_id
    WHERE t.code IN ({sql_list(_CODES)}) AND t.created_at >= %(begins)s AND t.created_at < %(ends)s
    GROUP BY m.id, m.name ORDER BY 4 DESC, 1
"""  # noqa: S608 - codes
#: Wallets shown one by one, the largest.
LARGEST = 50


def topups(period: Period, _most: int | None) -> Table:
    """Return what came in and went back by each payment method, and what it cost."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_METHOD, {"begins": period.begins, "ends": period.ends})
        rows = cursor.fetchall()
    lines = [
        Line(
            name or _t("No payment method"),
            (n, credited, back, paid, fees, bonuses, credited + paid - back - fees - bonuses),
            reverse("admin:billing_paymentmethod_change", args=[pk]) if pk else "",
        )
        for pk, name, n, credited, back, paid, fees, bonuses in rows
    ]
    columns = (
        Column(_("Top-ups"), "count", "c-a"),
        Column(_("Credited"), "money", "c-e"),
        Column(_("Taken back"), "money", "c-no"),
        Column(_("Fees customers paid"), "money", "c-no"),
        Column(_("Fees you paid"), "money", "c-x"),
        Column(_("Bonuses"), "money", "c-no"),
        Column(_("Left"), "money", "c-s"),
    )
    sums = [sum((line.values[n] for line in lines), Decimal(0)) for n in range(1, len(columns))]
    total = Line(_t("All methods"), (sum(line.values[0] for line in lines), *sums))
    return Table(_("Method"), columns, lines, total)


def wallets(owed: Owed) -> Table:
    """Return the largest wallets with what is held for their open orders, and the sums of all."""
    held = """coalesce((SELECT sum(h.charged - h.earned - h.refunded) FROM billing_hold h
        WHERE h.wallet_id = billing_account.id AND h.charged > h.earned + h.refunded), 0)"""
    rows = (
        Account.objects.filter(kind=AccountKind.WALLET, balance__gt=0)
        .extra(select={"held": held})  # noqa: S610 - a constant
        .order_by("-balance", "pk")
        .values_list("customer_id", "customer__email", "balance", "held", "frozen_at")[:LARGEST]
    )
    lines = [
        Line(email, (balance, held, balance + held, frozen.date() if frozen else None),
             reverse("admin:accounts_user_change", args=[pk]))
        for held, pk, email, balance, frozen in ((row[3], *row[:3], row[4]) for row in rows)
    ]  # fmt: skip
    columns = (
        Column(_("Balance"), "money", "c-a"),
        Column(_("Reserved"), "money", "c-x"),
        Column(_("Owed"), "money", "c-e"),
        Column(_("Frozen since"), "day", "c-s"),
    )
    shown = sum((line.values[0] for line in lines), Decimal(0)), sum((line.values[1] for line in lines), Decimal(0))
    rest = (owed.wallets - shown[0], owed.held - shown[1])
    apart = [Line(_t("All other wallets"), (*rest, sum(rest), None))] if any(rest) else []
    total = Line(_t("All wallets"), (owed.wallets, owed.held, owed.total, None))
    return Table(_("Customer"), columns, lines, total, apart)
