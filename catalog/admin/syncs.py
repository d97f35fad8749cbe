from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.models import SyncDiff, SyncRun
from catalog.sync.csv_report import csv_chunks
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin

_COUNTS = ("received", "added", "changed", "vanished", "returned", "quarantined", "skipped")
_NEWEST = 10


class SyncRunInline(admin.TabularInline):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """The newest syncs of a provider, read only."""

    model = SyncRun
    fields = ("page", "state", *_COUNTS, "problem")
    readonly_fields = fields
    extra = 0
    max_num = 0
    can_delete = False
    ordering = ("-started_at", "-id")
    verbose_name_plural = _("latest syncs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRun]:
        runs: QuerySet[SyncRun] = super().get_queryset(request)
        provider = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
        # The formset filters by provider once more, and a sliced queryset cannot be filtered.
        newest = (
            runs.filter(provider_id=provider).values_list("pk", flat=True)[:_NEWEST] if provider.isdecimal() else []
        )
        return runs.filter(pk__in=list(newest))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("started"))
    def page(self, run: SyncRun) -> SafeString:
        return format_html(
            '<a href="{}">{:%Y-%m-%d %H:%M:%S}</a>',
            reverse("admin:catalog_syncrun_change", args=[run.pk]),
            run.started_at,
        )


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "state", Lines("provider", "actor"), "received", "changes_", "problem")
    list_filter = ("state", "provider", "started_at")
    list_select_related = ("provider",)
    fields = (
        "provider", "state", "problem", "started_at", "took", "actor", "forced", *_COUNTS, "fields_", "csv_",
        "examples_",
    )  # fmt: skip

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/changes.csv", wrap(self.download_csv), name="catalog_syncrun_csv"), *super().get_urls()]

    def download_csv(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        diff = get_object_or_404(SyncDiff, run=pk)
        response = StreamingHttpResponse(csv_chunks(diff), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="sync-{pk}.csv"'
        return response

    @admin.display(description=_("all changes"))
    def csv_(self, run: SyncRun) -> SafeString | str:
        lines = SyncDiff.objects.filter(run=run).values_list("lines", flat=True).first()
        if lines is None:
            return "–"
        label = ngettext("%(n)s line as CSV", "%(n)s lines as CSV", lines) % {"n": f"{lines:,}"}
        return format_html('<a href="{}">{}</a>', reverse("admin:catalog_syncrun_csv", args=[run.pk]), label)

    @admin.display(description=_("changes"))
    def changes_(self, run: SyncRun) -> str:
        """The counts that are not zero, in words."""
        fields = [(SyncRun._meta.get_field(name), getattr(run, name)) for name in _COUNTS[1:]]
        return ", ".join(f"{field.verbose_name} {count:,}" for field, count in fields if count) or "–"  # type: ignore[union-attr]

    @admin.display(description=_("took"))
    def took(self, run: SyncRun) -> str:
        return f"{(run.finished_at - run.started_at).total_seconds():.2f} s" if run.finished_at else "–"

    @admin.display(description=_("fields changed"))
    def fields_(self, run: SyncRun) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in run.fields_changed.items()) or "–"

    @admin.display(description=_("examples"))
    def examples_(self, run: SyncRun) -> SafeString | str:
        if not run.examples:
            return "–"
        rows = ((e["id"], e["field"], e["old"], e["new"]) for e in run.examples)
        return format_html(
            '<table><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th>'
            '<th scope="col">{}</th></tr></thead><tbody>{}</tbody></table>',
            _("id"), _("field"), _("before"), _("after"),
            format_html_join("", "<tr><td>{}</td><td>{}</td><td><bdi>{}</bdi></td><td><bdi>{}</bdi></td></tr>", rows),
        )  # fmt: skip
