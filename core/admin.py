"""What staff did, for owners to read and search."""

import json
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, NullIf, Substr
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core.models import StaffAction
from core.read_only_admin import ReadOnlyAdmin


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnlyAdmin):
    """Every action of staff, the newest first. Nobody can change or delete one, the database included."""

    list_display = ("at", "actor_", "action", "object_", "reason_")
    list_filter = ("at",)
    search_fields = ("=object_id", "action", "object_name", "reason", "=request_id", "=address")
    search_help_text = _("E-mail of a person, action, object, reason, address or number of a request")
    fields = ("at", "actor_", "address", "request_id", "action", "object_", "reason", "before_", "after_")
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffAction]:
        number = Cast(NullIf(Substr(OuterRef("actor"), len("staff:") + 1), Value("")), BigIntegerField())
        person = get_user_model().objects.filter(pk=number).values("email")
        actions: QuerySet[StaffAction] = super().get_queryset(request)
        seen = [
            model._meta.label_lower
            for model, page in self.admin_site._registry.items()
            if page.has_view_permission(request)
        ]
        return actions.annotate(email=Subquery(person), is_linked=Q(object_type__in=seen))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[StaffAction], search_term: str
    ) -> tuple[QuerySet[StaffAction], bool]:
        """Search as Django does, and for the actions of the people whose e-mail address is entered."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        people = (
            get_user_model().objects.filter(email__iexact=search_term.strip(), is_staff=True) if search_term else []
        )
        by_name = Q(actor__in=[f"staff:{person.pk}" for person in people])
        return (found | queryset.filter(by_name)) if people else found, has_duplicates

    @admin.display(description=_("by"), ordering="actor")
    def actor_(self, row: StaffAction) -> str:
        if row.actor == "shell":
            return str(_("Command on the server"))
        return row.email or row.actor  # type: ignore[attr-defined]  # annotated by get_queryset

    @admin.display(description=_("object"))
    def object_(self, row: StaffAction) -> SafeString:
        try:
            kind = apps.get_model(row.object_type)._meta
        except LookupError:  # a table of an earlier release
            return format_html("{} {} <bdi>{}</bdi>", row.object_type, row.object_id, row.object_name)
        name = format_html("{} <bdi>{}</bdi>", capfirst(str(kind.verbose_name)), row.object_name or row.object_id)
        if not row.is_linked:  # type: ignore[attr-defined]  # annotated by get_queryset
            return name
        page = reverse(f"admin:{kind.app_label}_{kind.model_name}_change", args=[row.object_id])
        return format_html('<a href="{}">{}</a>', page, name)

    @admin.display(description=_("reason"))
    def reason_(self, row: StaffAction) -> str:
        return row.reason if len(row.reason) <= 80 else f"{row.reason[:80]}…"

    @admin.display(description=_("before"))
    def before_(self, row: StaffAction) -> SafeString:
        return _values(row.before)

    @admin.display(description=_("after"))
    def after_(self, row: StaffAction) -> SafeString:
        return _values(row.after)


def _values(values: dict[str, Any]) -> SafeString:
    """The values of one side, one on a line, as JSON writes them."""
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return format_html("<pre>{}</pre>", "\n".join(lines) or "–")
