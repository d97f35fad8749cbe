from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.admin.bonuses import LargeCreditFilter
from billing.models import Account, Hold, Transfer, WalletLine
from core.capped_count import MOST_COUNTED
from core.list_columns import Lines
from core.numbers import ascii_digits
from core.read_only_admin import ReadOnlyAdmin
from core.templatetags.money import money_html


def _references(word: str) -> list[str]:
    """The references that a word of the search box may mean: as it stands, and the number of an order."""
    number = ascii_digits(word.removeprefix("#"))
    return [word, f"order:{number}"] if number.isascii() and number.isdigit() else [word]


def _wallets(email: str) -> list[int]:
    """The wallets of the customer with exactly this address. Read first: a join would use no index."""
    people = User.objects.filter(email__iexact=email).values_list("pk", flat=True)
    return list(Account.objects.filter(customer__in=list(people)).values_list("pk", flat=True))


def _matching[Row: Model](rows: QuerySet[Row], term: str, condition: Callable[[str], Q]) -> QuerySet[Row]:
    """The rows that match each of the first words of a search."""
    for word in term.replace("\0", "").split()[:5]:
        rows = rows.filter(condition(word))
    return rows


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "code", Lines("source", "target"), "amount_", Lines("reference", "memo"), "actor",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = (LargeCreditFilter, "code", "created_at")
    list_select_related = ("source", "target")
    search_fields = ("reference",)  # What is searched is in get_search_results.
    search_help_text = _("Reference such as order:1042, key, or the whole e-mail address of a customer")
    fields = ("created_at", "code", "source", "target", "amount_", "reference", "key", "memo", "actor")
    list_per_page = 50

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str
    ) -> tuple[QuerySet[Transfer], bool]:
        def condition(word: str) -> Q:
            if "@" in word and (wallets := _wallets(word)):
                lines = WalletLine.objects.filter(wallet__in=wallets).order_by("-number").values("transfer")
                return Q(pk__in=lines[: MOST_COUNTED + 1])
            return Q(reference__in=_references(word)) | Q(key=word)

        return _matching(queryset, search_term, condition), False

    @admin.display(description=_("amount"), ordering="amount")
    def amount_(self, transfer: Transfer) -> SafeString:
        return money_html(transfer.amount)


class OpenFilter(admin.SimpleListFilter):
    title = _("money")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [("1", _("Still held")), ("0", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hold]) -> QuerySet[Hold]:
        is_open = Q(charged__gt=F("earned") + F("refunded"))
        if self.value() == "1":
            # In the order of their index: Postgres takes them for a third of all holds, and would read all of those.
            found = Hold.objects.filter(is_open).order_by("wallet").values_list("pk", flat=True)
            return queryset.filter(pk__in=list(found[: MOST_COUNTED + 1]))
        return queryset.exclude(is_open) if self.value() == "0" else queryset


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("reference", "wallet", "charged_", "held_", "earned_", "refunded_")
    list_filter = (OpenFilter,)
    list_select_related = ("wallet",)
    search_fields = ("reference",)  # What is searched is in get_search_results.
    search_help_text = _("Reference such as order:1042, or the whole e-mail address of a customer")
    fields = list_display
    # References are text: by the alphabet, order 9 would stand above order 1000.
    ordering = (Length("reference").desc(), "-reference")
    list_per_page = 50

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Hold], search_term: str
    ) -> tuple[QuerySet[Hold], bool]:
        def condition(word: str) -> Q:
            if "@" in word and (wallets := _wallets(word)):
                return Q(wallet__in=wallets)
            return Q(reference__in=_references(word))

        return _matching(queryset, search_term, condition), False

    @admin.display(description=_("charged"), ordering="charged")
    def charged_(self, hold: Hold) -> SafeString:
        return money_html(hold.charged)

    @admin.display(description=_("held"))
    def held_(self, hold: Hold) -> SafeString:
        held: Decimal = hold.charged - hold.earned - hold.refunded
        return money_html(held)

    @admin.display(description=_("earned"), ordering="earned")
    def earned_(self, hold: Hold) -> SafeString:
        return money_html(hold.earned)

    @admin.display(description=_("refunded"), ordering="refunded")
    def refunded_(self, hold: Hold) -> SafeString:
        return money_html(hold.refunded)
