from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.staff_rights import may_open
from core.templatetags.shop import duration_text, state_html
from notices import outbox
from notices.alerts import close_alerts
from notices.heartbeats import silent_after
from notices.models import Alert, Heartbeat, Outbox, SendState, Severity

BADGES = {
    Severity.INFO: ("is-progress", "info"),
    Severity.ATTENTION: ("is-partial", "circle-alert"),
    Severity.MONEY: ("is-failed", "circle-alert"),
}


SEND_BADGES = {
    SendState.WAITING: ("is-pending", "clock"),
    SendState.SENT: ("is-completed", "circle-check"),
    SendState.REFUSED: ("is-failed", "circle-x"),
    SendState.GIVEN_UP: ("is-failed", "circle-alert"),
}


class OpenAlertFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Open")), ("0", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(closed_at__isnull=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts, open ones first. The owner, or the code that raised them, closes them; nobody edits them."""

    list_display = (
        "title", "severity_", "times", Lines("last_at", "opened_at"), "mailed_at", Lines("closed_at", "closed_by"),
    )  # fmt: skip
    list_filter = (OpenAlertFilter, "severity")
    search_fields = ("title", "cause", "body")
    # Open alerts have no closing time; Postgres puts NULL first in descending order.
    ordering = (F("closed_at").desc(nulls_first=True), "-opened_at", "-id")
    fields = (
        "title", "severity_", "body", "page_", "cause", "times", "opened_at", "last_at", "mailed_at", "closed_at",
        "closed_by",
    )  # fmt: skip
    actions = ("close",)
    list_per_page = 50

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notices.change_alert")

    @admin.action(description=_("Close the selected alerts"), permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        now = database_now()
        with transaction.atomic():
            rows = list(queryset.filter(closed_at=None))
            closed = close_alerts([row.cause for row in rows], now=now, actor=str(request.user))
            self.record_each(request, rows, "alert.close", _t("Closed"))
        words = ngettext("%(closed)d alert closed.", "%(closed)d alerts closed.", closed)
        messages.success(request, words % {"closed": closed})

    @admin.display(description=_("severity"), ordering="severity")
    def severity_(self, alert: Alert) -> SafeString:
        css, icon = BADGES[Severity(alert.severity)]
        return state_html(css, icon, alert.get_severity_display())

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Alert | None:
        alert: Alert | None = super().get_object(request, object_id, from_field)
        if alert is not None:
            alert.is_linked = bool(alert.page) and may_open(request, alert.page)  # type: ignore[attr-defined]  # for page_
        return alert

    @admin.display(description=_("page"))
    def page_(self, alert: Alert) -> SafeString | str:
        if not getattr(alert, "is_linked", False):
            return alert.page or "–"
        return format_html('<a href="{}">{}</a>', alert.page, alert.page)


@admin.register(Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    """Mails, newest first. What they say is not shown: codes and links in them open accounts."""

    list_display = (
        "to", "state_", Lines("error_", "tries"), Lines("sent_at", "next_at"), "queued_at", "template_",
    )  # fmt: skip
    list_filter = ("state",)
    search_fields = ("to", "template")
    ordering = ("-id",)
    fields = (
        "to", "template", "language", "state_", "queued_at", "tries", "next_at", "sent_at", "gave_up_at", "good_until",
        "error", "has_secret", "is_alert", "is_news", "message_id", "key",
    )  # fmt: skip
    actions = ("send_again",)
    list_per_page = 50

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notices.change_outbox")

    @admin.action(description=_("Send the selected mails again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Outbox]) -> None:
        with transaction.atomic():
            chosen = list(queryset)
            again = outbox.send_again(chosen, now=database_now())
            self.record_each(request, again, "mail.send_again", _t("Sent again"))
        words = ngettext("%(n)d mail is sent again.", "%(n)d mails are sent again.", len(again))
        messages.success(request, words % {"n": len(again)})
        if left := len(chosen) - len(again):
            words = ngettext(
                "%(n)d mail is not: it still waits, or its code or link was wiped and has to be asked for anew.",
                "%(n)d mails are not: they still wait, or their code or link was wiped and has to be asked for anew.",
                left,
            )
            messages.warning(request, words % {"n": left})

    @admin.display(description=_("last error"), ordering="error")
    def error_(self, mail: Outbox) -> str:
        return Truncator(mail.error).chars(80)

    @admin.display(description=_("template"), ordering="template")
    def template_(self, mail: Outbox) -> str:
        return mail.template.rpartition("/")[2]

    @admin.display(description=_("state"), ordering="state")
    def state_(self, mail: Outbox) -> SafeString:
        css, icon = SEND_BADGES[SendState(mail.state)]
        return state_html(css, icon, mail.get_state_display())


class SeenFilter(admin.SimpleListFilter):
    """Parts of the shop that were not seen for too long, and those that were."""

    title = _("seen")
    parameter_name = "seen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Just now")), ("0", _("Not any more"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Heartbeat]) -> QuerySet[Heartbeat]:
        last = database_now() - silent_after()
        return {"1": queryset.filter(at__gte=last), "0": queryset.filter(at__lt=last)}.get(self.value() or "", queryset)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("part", "at", "age_")
    list_filter = (SeenFilter,)
    ordering = ("part",)
    fields = ("part", "at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Heartbeat]:
        parts: QuerySet[Heartbeat] = super().get_queryset(request)
        return parts.annotate(age=ExpressionWrapper(Now() - F("at"), output_field=DurationField()))

    @admin.display(description=_("ago"), ordering="-at")
    def age_(self, part: Heartbeat) -> str:
        return duration_text(part.age)  # type: ignore[attr-defined]  # annotated by get_queryset
