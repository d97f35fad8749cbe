from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import PersonAdmin
from accounts.models import User
from core.templatetags.money import money_html

# People know nothing of money, so money adds its column to their list.
admin.site.unregister(User)


@admin.register(User)
class PersonWithWalletAdmin(PersonAdmin):
    list_display = (*PersonAdmin.list_display, "balance_")
    needs_right = {"balance_": ["billing.view_wallet"]}  # noqa: RUF012

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).select_related("wallet")

    @admin.display(description=_("wallet"), ordering="wallet__balance")
    def balance_(self, person: User) -> SafeString | str:
        wallet = getattr(person, "wallet", None)
        if wallet is None:
            return "–"
        page = reverse("admin:billing_wallet_change", args=[wallet.pk])
        return format_html('<a href="{}">{}</a>', page, money_html(wallet.balance))
