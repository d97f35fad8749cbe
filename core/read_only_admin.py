"""Admin pages that only show rows, for tables that other code or the database itself writes."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from core.shop_admin import ShopModelAdmin


class ReadOnlyAdmin(ShopModelAdmin):
    """Nobody can add, edit or delete here; seeing needs the usual "view" permission."""

    actions: Sequence[str] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
