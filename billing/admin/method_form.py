"""The forms of a payment method: what every method has, and the fields that its gateway asks for."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.html import escape
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.calls import check_address
from billing.gateways.contract import Config, ConfigField, Spec
from billing.gateways.own_secrets import SHORTEST, problem_of, published
from billing.gateways.registry import all_gateways, gateway_named, missing_packages
from billing.models import PaymentMethod
from billing.models.methods import KEEPS_OLD_SECRET
from core.clock import database_now
from core.secrets import SecretUnreadable

PREFIX = "config_"


class AddMethodForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which gateway, and what customers read. Everything else follows on the method's own page, where it is off."""

    gateway = forms.ChoiceField(label=_("Gateway"))

    class Meta:
        model = PaymentMethod
        fields = ("gateway", "name", "currency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["gateway"]
        field.choices = [(name, gateway.spec.title) for name, gateway in all_gateways().items()]
        absent = [
            _t("%(gateway)s needs the package %(package)s, which is not installed.")
            % {"gateway": name.capitalize(), "package": package}
            for name, package in missing_packages().items()
        ]
        field.help_text = " ".join(absent)
        self.fields["currency"].initial = settings.SHOP_CURRENCY

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class MethodForm(forms.ModelForm):  # type: ignore[type-arg]
    """A method's settings. Stored secrets are never shown; an empty field keeps them."""

    class Meta:
        model = PaymentMethod
        fields = (
            "name", "arrives", "is_on", "is_live", "position", "currency", "exchange_rate", "least", "most",
            "fee_percent", "fee_fixed", "bonus_percent", "bonus_from", "takes_less",
        )  # fmt: skip

    @property
    def spec(self) -> Spec:
        return gateway_named(self.instance.gateway).spec

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if self.spec.currencies and currency not in self.spec.currencies:
            known = ", ".join(sorted(self.spec.currencies))
            raise forms.ValidationError(_t("This gateway takes %(known)s.") % {"known": known})
        return currency

    def clean(self) -> dict[str, Any] | None:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("currency") == settings.SHOP_CURRENCY and given.get("exchange_rate") not in (1, None):
            self.add_error("exchange_rate", _t("The currency is the shop's own: the rate is 1."))
        least, most = given.get("least"), given.get("most")
        if least is not None and most is not None and least > most:
            self.add_error("most", _t("The largest top-up is smaller than the smallest."))
        self._check_mode(given)
        self._check_secrets(given)
        self._check_gateway(given)
        return given

    def _check_mode(self, given: Mapping[str, Any]) -> None:
        if given.get("is_live") and not self.spec.has_live_mode:
            self.add_error("is_live", _t("This gateway has a test mode only."))
        if given.get("is_on") and not given.get("is_live") and not settings.DEMO:
            self.add_error(
                "is_on",
                _t("In test mode anybody could fill a wallet without paying. Only the demo offers that."),
            )

    def _check_secrets(self, given: Mapping[str, Any]) -> None:
        """Secrets go only to the address they were given for, are long, and serve one method alone."""
        stored = stored_secrets(self.instance)
        moved = any(f.is_address and f"{PREFIX}{f.name}" in self.changed_data for f in self.spec.fields) and stored
        new = {f.name: str(given.get(f"{PREFIX}{f.name}") or "") for f in self.spec.fields if f.is_secret}
        after = [secret or stored.get(name, "") for name, secret in new.items()]
        for field in (f for f in self.spec.fields if f.is_secret):
            name, secret = f"{PREFIX}{field.name}", new[field.name]
            if secret:
                if problem := problem_of(secret) or published(secret):
                    self.add_error(name, problem)
                elif after.count(secret) > 1 or self._is_used_elsewhere(secret):
                    self.add_error(name, _t("Another field or method has this secret already: each needs its own."))
            elif moved:
                self.add_error(name, _t("The address has changed. Enter the secret for the new address."))
            elif given.get("is_on") and field.is_required and field.name not in stored:
                self.add_error(name, _t("The method cannot be on without it."))

    def _check_gateway(self, given: Mapping[str, Any]) -> None:
        """What only the gateway knows: a key of the wrong mode, an address that must not be called."""
        values = {f.name: str(given.get(f"{PREFIX}{f.name}") or "").strip() for f in self.spec.fields}
        stored = stored_secrets(self.instance)
        config = Config(
            {name: value or stored.get(name, "") for name, value in values.items()}, bool(given.get("is_live"))
        )
        for name, problem in gateway_named(self.instance.gateway).problems(config).items():
            self.add_error(f"{PREFIX}{name}", problem)

    def _is_used_elsewhere(self, secret: str) -> bool:
        for other in PaymentMethod.objects.exclude(pk=self.instance.pk):
            try:
                if secret in other.secrets().values():
                    return True
            except SecretUnreadable:
                continue
        return False

    def save(self, commit: bool = True) -> Any:
        given = {f.name: str(self.cleaned_data.get(f"{PREFIX}{f.name}") or "").strip() for f in self.spec.fields}
        secret_names = {f.name for f in self.spec.fields if f.is_secret}
        self.instance.settings = {name: value for name, value in given.items() if name not in secret_names}
        if new := {name: value for name, value in given.items() if name in secret_names and value}:
            self._store_secrets(new)
        return super().save(commit=commit)

    def _store_secrets(self, new: Mapping[str, str]) -> None:
        """Seal new secrets. The old one of the gateway's calls counts for a day more, unless anybody could know it."""
        stored = stored_secrets(self.instance)
        if not stored:
            self.instance.set_secrets(dict(new))
            return
        signing = {f.name for f in self.spec.fields if f.signs_calls and f.name in stored}
        keep = {name for name in signing if not (problem_of(stored[name]) or published(stored[name]))}
        self.instance.replace_secrets(new, keep=keep, now=database_now())


def stored_secrets(method: PaymentMethod) -> dict[str, str]:
    """Return the secrets of a method that are stored now; none if no key of the environment opens them."""
    try:
        return method.secrets()
    except SecretUnreadable:
        return {}


def form_for(method: PaymentMethod) -> type[MethodForm]:
    """Return the form of a method, with the fields of its gateway."""
    spec = gateway_named(method.gateway).spec
    stored = stored_secrets(method)
    fields = {
        f"{PREFIX}{f.name}": _field(f, stored.get(f.name, "") if f.is_secret else str(method.settings.get(f.name, "")))
        for f in spec.fields
    }
    return type("GatewayForm", (MethodForm,), fields)


def config_names(fields: Iterable[ConfigField]) -> list[str]:
    """Return the names of the form's fields for these."""
    return [f"{PREFIX}{field.name}" for field in fields]


def _field(of: ConfigField, value: str) -> forms.CharField:
    if of.is_secret:
        widget: forms.Widget = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
        # Four letters of a short secret would be too much of it.
        end = escape(f"…{value[-4:]}") if len(value) >= SHORTEST else "…"
        text = _t("Set: it ends in %(end)s. Leave empty to keep it.") % {"end": end} if value else _t("Not set yet.")
        if value and of.signs_calls:
            hours = {"hours": KEEPS_OLD_SECRET // timedelta(hours=1)}
            text += " " + _t("After a change, calls signed with the old one count for %(hours)d hours more.") % hours
        return forms.CharField(
            label=str(of.label),
            required=False,
            max_length=500,
            strip=False,
            widget=widget,
            help_text=f"{of.help} {text}".strip(),
        )
    widget = AdminTextareaWidget() if of.is_long else AdminTextInputWidget(attrs={"autocomplete": "off"})
    most = 4000 if of.is_long else 500
    return forms.CharField(
        label=str(of.label),
        required=of.is_required,
        max_length=most,
        widget=widget,
        initial=value,
        help_text=str(of.help),
        validators=[check_address] if of.is_address else [],
    )
