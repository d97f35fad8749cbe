from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.staff_actions import staff_actor
from orders import decisions
from orders.admin.doubt_forms import ForeignForm
from orders.models import OwnId


@admin.register(OwnId)
class OwnIdAdmin(ReadOnlyAdmin):
    """Orders under our key at each provider. The owner may mark an unknown one as placed by something else."""

    list_display = (
        "upstream_id", Lines("explained_", "state"), "provider", "charge", "first_seen_at", Lines("attempt", "parent"),
    )  # fmt: skip
    list_filter = ("explained", "provider", "first_seen_at")
    list_select_related = ("provider", "attempt__order", "parent")
    search_fields = ("=upstream_id",)
    fields = (
        "upstream_id", "provider", "explained_", "state", "charge", "first_seen_at", "attempt", "parent", "answered_at",
        "remains", "shape", "runs", "decided_by",
    )  # fmt: skip
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/foreign/", self.admin_site.admin_view(self.foreign), name="orders_ownid_foreign")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        about = {"may_decide": request.user.has_perm("orders.change_ownid")}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def foreign(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record that something else placed this order with our key."""
        if not request.user.has_perm("orders.change_ownid"):
            raise PermissionDenied
        own = get_object_or_404(OwnId.objects.select_related("provider"), pk=pk)
        form = ForeignForm(request.POST or None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            if decisions.mark_foreign(own_id=pk, actor=staff_actor(request), reason=reason):
                self.note_in_history(request, own, _t("Placed by something else: %(reason)s") % {"reason": reason})
                messages.success(request, _t("Noted: %(own)s was placed by something else.") % {"own": own})
            else:
                messages.warning(request, _t("This was already decided; nothing changed."))
            return redirect("admin:orders_ownid_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Placed by something else"),
            "opts": self.opts,
            "media": self.media,
            "own": own,
            "form": form,
        }
        return TemplateResponse(request, "admin/orders/ownid/foreign.html", context)

    @admin.display(description=_("known as"), ordering="explained")
    def explained_(self, own: OwnId) -> str:
        return own.get_explained_display() or _t("Not explained")
