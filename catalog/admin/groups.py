from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import CustomerGroup
from catalog.admin.price_preview import PricePreviewAdmin


@admin.register(CustomerGroup)
class CustomerGroupAdmin(PricePreviewAdmin):
    """Groups of customers with prices of their own. Members are chosen on the customer's page."""

    list_display = ("name", "percent", "customers_")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerGroup]:
        groups: QuerySet[CustomerGroup] = super().get_queryset(request)
        return groups.annotate(customer_count=Count("customers"))

    def groups_concerned(self, request: HttpRequest, object_id: str | None) -> Iterable[int]:
        return [int(object_id)] if object_id and object_id.isdecimal() and len(object_id) < 18 else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A group with customers cannot be deleted: their prices would change unannounced."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.customers.exists())

    @admin.display(description=_("customers"), ordering="customer_count")
    def customers_(self, group: CustomerGroup) -> int:
        return int(group.customer_count)  # type: ignore[attr-defined]  # annotated by get_queryset
