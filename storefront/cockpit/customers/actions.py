"""What staff can do for a customer, each with its effect, and what freezing does to keys, orders and wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import viewing
from accounts.models import User
from core.templatetags.money import money_text
from core.templatetags.shop import num
from storefront.cockpit.customers.money import CustomerMoney


@dataclass(frozen=True)
class Action:
    """One line of the actions: a verb that leads to ``url``, and what it does."""

    icon: str
    verb: str
    effect: str
    url: str


def actions_of(request: HttpRequest, customer: User, money: CustomerMoney | None) -> list[Action]:
    """Return what who asks may do, the most frequent first."""
    may, found = request.user.has_perm, []
    if money is not None and may("billing.change_wallet"):
        credit, debit = (reverse(f"admin:billing_wallet_{way}", args=[money.wallet]) for way in ("credit", "debit"))
        effect = _("Your money goes into the wallet. The customer reads the reason on the statement.")
        found.append(Action("plus", _("Credit…"), effect, credit))
        effect = _("At most %(most)s can be taken out.") % {"most": money_text(money.balance)}
        found.append(Action("undo-2", _("Debit…"), effect, debit))
        if money.frozen_at is not None:
            effect = _("The wallet is frozen: no order can be placed from it.")
            page = reverse("admin:billing_wallet_unfreeze", args=[money.wallet])
            found.append(Action("wallet", _("Unfreeze the wallet…"), effect, page))
    if may(viewing.PERMISSION) and customer.is_active:
        effect = _("For 30 minutes. Nothing can be changed, and it is written down.")
        page = reverse("admin:accounts_user_view_as", args=[customer.pk])
        found.append(Action("eye", _("View as customer…"), effect, page))
    if may("accounts.change_user"):
        effect = _("Prices of the new group count from the next order on.")
        page = f"{reverse('admin:accounts_user_change', args=[customer.pk])}?edit=1"
        found.append(Action("user", _("Change the group…"), effect, page))
    if may("catalog.add_customerprice"):
        effect = _("For one service or one category. It goes before the group.")
        page = f"{reverse('admin:catalog_customerprice_add')}?{urlencode({'customer': customer.pk})}"
        found.append(Action("tag", _("Add a price of their own…"), effect, page))
    if may("accounts.change_user"):
        page = reverse("admin:accounts_user_freeze", args=[customer.pk])
        if customer.is_active:
            effect = _("No sign-in and no API. Open orders go on, and the money stays.")
            found.append(Action("lock", _("Freeze…"), effect, page))
        else:
            effect = _("Sign-in and the keys that are left work again.")
            found.append(Action("lock", _("Unfreeze…"), effect, page))
    return found


def freezing_effects(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what freezing does, part by part, with the numbers of the parts that who asks may see."""
    found = [(_("Sign-in"), _("Every session ends at once. Signing in shows that the account is frozen."))]
    keys = _("API keys are refused at once. None is revoked: they work again after unfreezing.")
    if "keys" in about:
        n = len(about["keys"])
        keys = ngettext(
            "%(n)d key is refused at once. It is not revoked: it works again after unfreezing.",
            "%(n)d keys are refused at once. None is revoked: they work again after unfreezing.",
            n,
        ) % {"n": n} if n else _("There is none.")  # fmt: skip
    found.append((_("API keys"), keys))
    orders = _("They go on to their end, and so does a mass order that has started.")
    wallet = _("The balance stays. Refunds and payments under way still arrive; nothing can be spent.")
    if (money := about.get("money")) is not None:
        sums = {"n": num(money.open_holds), "held": money_text(money.held), "balance": money_text(money.balance)}
        orders = ngettext(
            "%(n)s order with %(held)s reserved goes on to its end, and so does a mass order that has started.",
            "%(n)s orders with %(held)s reserved go on to their end, and so does a mass order that has started.",
            money.open_holds,
        ) % sums if money.open_holds else _("There is none. A mass order that has started goes on.")  # fmt: skip
        wallet = _("%(balance)s stays. Refunds and payments under way still arrive; nothing can be spent.") % sums
    return [*found, (_("Open orders"), orders), (_("Wallet"), wallet)]


def unfreezing_effects(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the end of freezing does."""
    found = [
        (_("Sign-in"), _("The customer can sign in again, with the same password.")),
        (_("API keys"), _("Those that were not revoked work again at once.")),
    ]
    frozen = about.get("frozen_account")
    if frozen is not None and frozen.reason:
        found.insert(0, (_("Frozen because"), frozen.reason))
    money = about.get("money")
    if money is not None and money.frozen_at is not None:
        found.append((_("Wallet"), _("It stays frozen by itself. It has a button of its own.")))
    return found
