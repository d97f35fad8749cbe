from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import PersonAdmin
from accounts.models import User
from billing.admin.moving import may_move_money
from billing.queries import held_of
from core.templatetags.money import money_html

# People know nothing of money, so money adds its column to their list and its part to a person's page.
admin.site.unregister(User)


@admin.register(User)
class PersonWithWalletAdmin(PersonAdmin):
    list_display = (*PersonAdmin.list_display, "balance_")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).select_related("wallet")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        wallet = getattr(person, "wallet", None)
        about: dict[str, Any] = {}
        if person is not None and wallet is not None and request.user.has_perm("billing.view_wallet"):
            about = {"person_wallet": wallet, "held": held_of(person), "may_move_money": may_move_money(request)}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    @admin.display(description=_("wallet"), ordering="wallet__balance")
    def balance_(self, person: User) -> SafeString | str:
        wallet = getattr(person, "wallet", None)
        if wallet is None:
            return "–"
        page = reverse("admin:billing_wallet_change", args=[wallet.pk])
        return format_html('<a href="{}">{}</a>', page, money_html(wallet.balance))
