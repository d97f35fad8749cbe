from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.admin.method_form import AddMethodForm, config_names, form_for
from billing.gateways.contract import Ability, NoAnswer
from billing.gateways.own_secrets import unusable_secrets
from billing.gateways.registry import UnknownGateway, all_gateways
from billing.models import PaymentMethod
from billing.models.topups import OPEN
from billing.topups.methods import config_of, gateway_of, webhook_url
from core.clock import database_now
from core.list_columns import Lines
from core.secrets import SecretUnreadable
from core.shop_admin import ShopModelAdmin
from core.templatetags.shop import state_html


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ShopModelAdmin):
    """Ways to pay. A new one is off until its gateway's fields are filled in."""

    change_form_template = "admin/billing/paymentmethod/change_form.html"
    list_display = ("name", "state_", "position", Lines("gateway_", "currency"), Lines("least", "most"), "fee_percent")
    list_filter = ("is_on", "is_live")
    list_editable = ("position",)
    ordering = ("position", "pk")
    readonly_fields = ("gateway_", "webhook_", "last_event_at", "last_answer_at", "forged_", "waiting_")

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(gateway__in=all_gateways())

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = form_for(obj) if obj is not None else AddMethodForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("gateway", "name", "currency")})]
        spec = gateway_of(obj).spec
        state = ("webhook_", "last_event_at", "last_answer_at", "forged_", "waiting_")
        found: list[Any] = [
            (None, {"fields": ("gateway_", "name", "arrives", "is_on", "is_live", "position")}),
            (_("Amounts"), {"fields": ("currency", "exchange_rate", "least", "most", "takes_less")}),
            (_("Fee and bonus"), {"fields": ("fee_percent", "fee_fixed", "bonus_percent", "bonus_from")}),
        ]
        if spec.fields:
            found.insert(1, (_("Settings of the gateway"), {"fields": config_names(spec.fields)}))
        if Ability.WEBHOOK in spec.abilities:
            found.append((_("Calls of the gateway"), {"fields": state}))
        return found

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [path("<int:pk>/test/", wrap(self.test), name="billing_paymentmethod_test")]
        return [*own, *super().get_urls()]

    def response_add(self, request: HttpRequest, obj: PaymentMethod, post_url_continue: str | None = None) -> Any:
        """Go on with the fields of the gateway."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _t("Added, and off. Fill in what the gateway asks for, test it, and switch it on."))
        return HttpResponseRedirect(reverse("admin:billing_paymentmethod_change", args=[obj.pk]))

    def save_model(self, request: HttpRequest, obj: PaymentMethod, form: Any, change: bool) -> None:
        """Write only the edited fields: a call of the webhook may be changing the same row."""
        if not change:
            obj.save()
            return
        changed = {name for name in form.changed_data if not name.startswith("config_")}
        if changed != set(form.changed_data):
            changed |= {"settings", "sealed_secrets"}
        if changed:
            obj.save(update_fields=changed)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A method that was used is switched off, not deleted: its top-ups name it."""
        is_used = obj is not None and obj.topups.exists()
        return not is_used and super().has_delete_permission(request, obj)

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the gateway whether the settings work, and show its answer."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        method = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, method):
            raise PermissionDenied
        try:
            gateway, config = gateway_of(method), config_of(method)
            problems = list(unusable_secrets(gateway.spec, config.values).values()) or gateway.check(config)
        except NoAnswer as problem:
            problems = [_t("The gateway did not answer: %(problem)s") % {"problem": str(problem)[:300]}]
        except (SecretUnreadable, UnknownGateway) as problem:
            problems = [str(problem)]
        for problem_text in problems:
            messages.error(request, problem_text)
        if not problems:
            messages.success(request, _t("The settings work."))
        self.record(request, method, "method.test", _t("Tested"), after={"problems": len(problems)})
        return HttpResponseRedirect(reverse("admin:billing_paymentmethod_change", args=[pk]))

    @admin.display(description=_("gateway"))
    def gateway_(self, method: PaymentMethod) -> str:
        return str(gateway_of(method).spec.title)

    @admin.display(description=_("address for its calls"))
    def webhook_(self, method: PaymentMethod) -> str:
        url = webhook_url(method)
        if url.startswith("https://"):
            return url
        return _t("%(url)s: payment services call https addresses only. Set SHOP_URL to one.") % {"url": url}

    @admin.display(description=_("calls with a wrong signature"))
    def forged_(self, method: PaymentMethod) -> str:
        if not method.forged or method.forged_since is None:
            return _t("None")
        facts = {"count": method.forged, "time": f"{method.forged_since:%Y-%m-%d %H:%M} UTC"}
        return _t("%(count)s in the hour from %(time)s") % facts

    @admin.display(description=_("top-ups that wait for more than an hour"))
    def waiting_(self, method: PaymentMethod) -> int:
        hour_ago = database_now() - timedelta(hours=1)
        return method.topups.filter(state__in=OPEN, created_at__lt=hour_ago).count()

    @admin.display(description=_("state"))
    def state_(self, method: PaymentMethod) -> SafeString:
        if not method.is_on:
            return state_html("is-canceled", "circle-x", _t("Off"))
        if not method.is_live:
            return state_html("is-partial", "hourglass", _t("On, test mode"))
        return state_html("is-completed", "circle-check", _t("On, live"))
