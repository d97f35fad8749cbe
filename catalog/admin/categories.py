from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.admin.cells import CellForm
from catalog.admin.ordered_list import OrderedChangeList
from catalog.locks import lock_provider
from catalog.models import Category, Provider, ProviderService
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish
from core.clock import database_now
from core.owner_texts_admin import OwnerTextsAdmin


@admin.register(Category)
class CategoryAdmin(OwnerTextsAdmin):
    texts = ("name", "description")
    list_display = ("name", "position", "is_visible", "services_")
    list_editable = ("position", "is_visible")
    list_filter = ("is_visible",)
    search_fields = ("name",)
    ordering = ("position", "id")
    change_list_template = "admin/catalog/ordered_list.html"

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": CellForm, **kwargs})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return OrderedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        categories: QuerySet[Category] = super().get_queryset(request)
        return categories.annotate(service_count=Count("services"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A category with services cannot be deleted, and an empty one is shown nowhere."""
        return False

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        """Save, and publish the services of a renamed category again: its name is part of their search text."""
        under = ProviderService.objects.filter(sold_as__category=obj.pk)
        is_renamed = change and "name" in form.changed_data
        providers = (
            [lock_provider(pk) for pk in sorted(set(under.values_list("provider", flat=True)))] if is_renamed else []
        )
        if change and "is_visible" in form.changed_data:
            with recording_changes(Provider.objects.values_list("pk", flat=True), now=database_now()):
                super().save_model(request, obj, form, change)
        else:
            super().save_model(request, obj, form, change)
        for provider in providers:
            republish(provider, under.filter(provider=provider).values_list("external_id", flat=True))

    @admin.display(description=_("services"), ordering="service_count")
    def services_(self, category: Category) -> int:
        return int(category.service_count)  # type: ignore[attr-defined]  # annotated by get_queryset
