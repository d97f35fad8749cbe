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
from catalog.prices.rules import delete_rule, save_rule
from core.clock import database_now


class MarkupRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    class Meta:
        model = MarkupRule
        fields = (
            "name", "is_active", "service", "category", "service_type", "provider", "group", "percent", "fixed",
            "minimum_margin", "floor", "rounding", "rounding_value",
        )  # fmt: skip

    def print_of(self) -> str:
        """Equal for equal entries: what is saved is what was previewed."""
        said = [f"{name}={self.data.get(name, '')}" for name in self.fields]
        return hashlib.blake2b("\n".join(said).encode(), digest_size=16).hexdigest()


@admin.register(MarkupRule)
class MarkupRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """How prices are made. A rule is saved only after its effect was shown."""

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
                "description": _("At most one of the first four; none of them: everything. The narrowest rule counts."),
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
        if request.method == "POST":
            rule = self._asked(request, object_id)
            form: Any = self.get_form(request, rule, change=rule is not None)(request.POST, instance=rule)
            if form.is_valid() and request.POST.get("previewed") != form.print_of():
                return self._previewed(request, form, rule, form_url)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _asked(self, request: HttpRequest, object_id: str | None) -> MarkupRule | None:
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return None
        rule: MarkupRule | None = self.get_object(request, object_id)
        if rule is None or not self.has_change_permission(request, rule):
            raise PermissionDenied
        return rule

    def _previewed(
        self, request: HttpRequest, form: MarkupRuleForm, rule: MarkupRule | None, form_url: str
    ) -> HttpResponse:
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
            "print": form.print_of(),
        }
        return self.render_change_form(
            request, context, add=rule is None, change=rule is not None, obj=rule, form_url=form_url
        )

    def save_model(self, request: HttpRequest, obj: MarkupRule, form: Any, change: bool) -> None:
        self._say(request, save_rule(obj, now=database_now()))

    def delete_model(self, request: HttpRequest, obj: MarkupRule) -> None:
        self._say(request, delete_rule(obj, now=database_now()))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MarkupRule]) -> None:
        for rule in queryset:
            self.delete_model(request, rule)

    def _say(self, request: HttpRequest, changed: int) -> None:
        told = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
        self.message_user(request, told % {"n": f"{changed:,}"})

    @admin.display(description=_("for"))
    def scope_(self, rule: MarkupRule) -> str:
        if rule.scope == "everything":
            return _t("Everything")
        said = rule.get_service_type_display() if rule.scope == "service_type" else getattr(rule, rule.scope)
        column: Any = MarkupRule._meta.get_field(rule.scope)
        return f"{column.verbose_name}: {said}"
