from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from catalog.models import UnlistedText
from catalog.providers.unlisted_texts import give_meaning
from core.clock import database_now
from core.shop_admin import ShopModelAdmin


@admin.register(UnlistedText)
class UnlistedTextAdmin(ShopModelAdmin):
    """Texts with which providers refused orders. Only the meaning can be edited."""

    list_display = ("__str__", "provider", "times", "last_at", "meaning", "decided_by")
    list_filter = (("meaning", admin.EmptyFieldListFilter), "provider")
    search_fields = ("text",)
    fields = ("provider", "text", "times", "first_at", "last_at", "meaning", "decided_by")
    readonly_fields = ("provider", "text", "times", "first_at", "last_at", "decided_by")
    list_select_related = ("provider",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: UnlistedText, form: Any, change: bool) -> None:
        give_meaning(obj, obj.meaning, actor=str(request.user), now=database_now())

    class Media:
        css = {"all": ["admin-parts.css"]}
