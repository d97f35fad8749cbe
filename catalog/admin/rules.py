import hashlib
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.models import MarkupRule
from catalog.prices.preview import preview
from catalog.prices.reprice import delete_rule, save_rule
from core.clock import database_now
from core.shop_admin import ShopModelAdmin


class MarkupRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    class Meta:
        model = MarkupRule
        fields = (
            "name", "is_active", "service", "category", "service_type", "provider", "group", "percent", "fixed",
            "minimum_margin", "floor", "rounding", "rounding_value",
        )  # fmt: skip

    def digest(self) -> str:
        """Return a digest of the entries, by which saving checks that they were previewed."""
        entries = [f"{name}={self.data.get(name, '')}" for name in self.fields]
        return hashlib.blake2b("\n".join(entries).encode(), digest_size=16).hexdigest()


@admin.register(MarkupRule)
class MarkupRuleAdmin(ShopModelAdmin):
    """Markup rules. A rule is saved only after a preview of its effect."""

    form = MarkupRuleForm
    list_display = ("name", "is_active", "scope_", "group", "percent", "fixed", "minimum_margin", "floor", "rounding")
    list_filter = ("is_active", "group", "provider", "service_type")
    list_select_related = ("service", "category", "provider", "group")
    search_fields = ("name",)
    autocomplete_fields = ("service", "category")
    change_form_template = "admin/catalog/markuprule/change_form.html"
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        (
            _("For"),
            {
                "fields": ("service", "category", "service_type", "provider", "group"),
                "description": _(
                    "Choose at most one of the first four; with none, the rule is for everything."
                    " The narrowest rule applies."
                ),
            },
        ),
        (_("Price"), {"fields": ("percent", "fixed", "minimum_margin", "floor", "rounding", "rounding_value")}),
    )

    class Media:
        css = {"all": ["admin-parts.css"]}
        js = ("admin-names.js",)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the effect of a valid rule; save it once exactly these entries were previewed."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        # 1. The rule and the right to save it.
        rule: MarkupRule | None = None
        if object_id is None:
            is_allowed = self.has_add_permission(request)
        else:
            rule = self.get_object(request, object_id)
            is_allowed = rule is not None and self.has_change_permission(request, rule)
        if not is_allowed:
            raise PermissionDenied
        # 2. Entries with errors, or previewed ones, go the usual way.
        form: Any = self.get_form(request, rule, change=rule is not None)(request.POST, instance=rule)
        if not form.is_valid() or request.POST.get("previewed") == form.digest():
            return super().changeform_view(request, object_id, form_url, extra_context)
        # 3. The preview.
        candidate: MarkupRule = form.save(commit=False)
        fieldsets: Any = self.get_fieldsets(request, rule)
        shown = AdminForm(form, fieldsets, {}, (), model_admin=self)
        context = {
            **self.admin_site.each_context(request),
            "title": _t("What this rule would do"),
            "adminform": shown,
            "errors": AdminErrorList(form, []),
            "inline_admin_formsets": [],
            "object_id": str(candidate.pk) if candidate.pk else None,
            "original": rule,
            "is_popup": False,
            "to_field": None,
            "media": self.media + shown.media,
            "preview": preview(candidate),
            "digest": form.digest(),
        }
        return self.render_change_form(
            request, context, add=rule is None, change=rule is not None, obj=rule, form_url=form_url
        )

    def save_model(self, request: HttpRequest, obj: MarkupRule, form: Any, change: bool) -> None:
        self._report(request, save_rule(obj, now=database_now()))

    def delete_model(self, request: HttpRequest, obj: MarkupRule) -> None:
        self._report(request, delete_rule(obj, now=database_now()))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MarkupRule]) -> None:
        for rule in queryset:
            self.delete_model(request, rule)

    def _report(self, request: HttpRequest, changed: int) -> None:
        counted = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
        self.message_user(request, counted % {"n": f"{changed:,}"})

    @admin.display(description=_("for"))
    def scope_(self, rule: MarkupRule) -> str:
        if rule.scope == "everything":
            return _t("Everything")
        about = rule.get_service_type_display() if rule.scope == "service_type" else getattr(rule, rule.scope)
        column: Any = MarkupRule._meta.get_field(rule.scope)
        return f"{column.verbose_name}: {about}"
