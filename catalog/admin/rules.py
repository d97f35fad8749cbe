import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.contrib.admin.options import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.fresh_sign_in import demand_fresh_sign_in
from catalog.admin.price_preview import PricePreviewAdmin, note_for_preview, proof_of_preview
from catalog.locks import lock_all_providers
from catalog.models import MarkupRule
from catalog.prices.preview import preview
from catalog.prices.reprice import delete_rules, save_rule
from core.clock import database_now
from core.list_columns import Lines


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
class MarkupRuleAdmin(PricePreviewAdmin):
    """Markup rules. A rule is saved or deleted only after a preview of its effect."""

    form = MarkupRuleForm
    list_display = (
        "name", "is_active", Lines("scope_", "group"), Lines("percent", "fixed"), Lines("minimum_margin", "floor"),
        "rounding",
    )  # fmt: skip
    list_filter = ("is_active", "group", "provider", "service_type")
    list_select_related = ("service", "category", "provider", "group")
    search_fields = ("name",)
    autocomplete_fields = ("service", "category")
    change_form_template = "admin/catalog/markuprule/change_form.html"
    actions = ("delete_rules",)
    always_previewed = ("delete_rules",)
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
        # 2. Entries with errors go the usual way, and so does what was previewed if it would still do the same.
        usual = super(PricePreviewAdmin, self).changeform_view
        form: Any = self.get_form(request, rule, change=rule is not None)(request.POST, instance=rule)
        if not form.is_valid():
            return usual(request, object_id, form_url, extra_context)
        demand_fresh_sign_in(request)
        candidate: MarkupRule = form.save(commit=False)
        entries, seen = form.digest(), request.POST.get("previewed", "")
        with transaction.atomic():
            lock_all_providers()
            effect = preview(candidate)
            digest = f"{entries} {proof_of_preview(request, f'{entries} {effect.digest}')}"
            if seen == digest:
                return usual(request, object_id, form_url, extra_context)
        # 3. The preview.
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
            "preview": effect,
            "digest": digest,
            "is_other": seen.startswith(entries),
        }
        return self.render_change_form(
            request, context, add=rule is None, change=rule is not None, obj=rule, form_url=form_url
        )

    def save_model(self, request: HttpRequest, obj: MarkupRule, form: Any, change: bool) -> None:
        self._report(request, save_rule(obj, now=database_now()))

    def delete_model(self, request: HttpRequest, obj: MarkupRule) -> None:
        self._report(request, delete_rules([obj], now=database_now()))

    def groups_concerned(self, request: HttpRequest, object_id: str | None) -> Iterable[int]:
        """The groups of the rules that this request deletes."""
        chosen = [object_id, *request.POST.getlist("_selected_action")]
        ids = [int(pk) for pk in chosen if pk and pk.isdecimal() and len(pk) < 18]
        own = MarkupRule.objects.filter(group__isnull=False)
        own = own if request.POST.get("select_across") == "1" else own.filter(pk__in=ids)
        return [pk for pk in own.values_list("group", flat=True) if pk is not None]

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """Our own action in place of Django's, which knows no preview."""
        known = super().get_actions(request, action_location)
        return {name: action for name, action in known.items() if name != "delete_selected"}

    @admin.action(description=_("Delete the chosen rules"), permissions=["delete"])
    def delete_rules(self, request: HttpRequest, queryset: QuerySet[MarkupRule]) -> None:
        rules = list(queryset)
        counted = ngettext("%(n)s rule is deleted.", "%(n)s rules are deleted.", len(rules))
        note_for_preview(request, counted % {"n": f"{len(rules):,}"})
        self.log_deletions(request, queryset)
        self._report(request, delete_rules(rules, now=database_now()))

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
