from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.api_keys import BadKeyOptions, read_networks
from accounts.models import Scope, StatusWords
from core.numbers import NumberField


def limit_field() -> NumberField:
    """Return the field of a key's daily limit."""
    return NumberField(
        label=format_lazy(_("Daily limit, {currency}"), currency=settings.SHOP_CURRENCY),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=17,
        decimal_places=5,
        help_text=_("Optional: the most that its orders may cost in a day. Leave empty for no limit."),
    )


class DailyLimitForm(forms.Form):
    """How much a key may spend in a day; empty for as much as the wallet holds."""

    daily_limit = limit_field()


class ApiKeyForm(forms.Form):
    """Name and permissions of a new key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("For your own reference: what will use the key, such as “shop bot”."),
    )
    may = forms.ChoiceField(
        label=_("This key may"),
        choices=[("both", _("Read and order")), (Scope.READ.value, _("Read only"))],
        initial="both",
    )
    networks = forms.CharField(
        label=_("Only from these IP addresses"),
        required=False,
        max_length=1000,
        help_text=_("Optional: addresses or networks, separated by spaces. Leave empty to allow any address."),
    )

    daily_limit = limit_field()

    status_words = forms.ChoiceField(
        label=_("State of subscriptions in"),
        choices=StatusWords.choices,
        initial=StatusWords.PANEL,
        required=False,
        help_text=_(
            "Panel words are Pending, In progress, Partial; SmartPanel words are Active, Expired. A panel of the"
            " SmartPanel family stops asking about a subscription that has other words than its own."
        ),
    )

    def clean_networks(self) -> list[str]:
        try:
            return read_networks(self.cleaned_data["networks"].replace(",", " ").split())
        except BadKeyOptions as refusal:
            raise forms.ValidationError(str(refusal.message)) from refusal

    def key_options(self) -> dict[str, Any]:
        """The keyword arguments for `create_key` that the form holds."""
        cleaned = self.cleaned_data
        scopes = list(Scope.values) if cleaned["may"] == "both" else [cleaned["may"]]
        words = cleaned["status_words"] or StatusWords.PANEL.value
        return {
            "name": cleaned["name"],
            "scopes": scopes,
            "networks": cleaned["networks"],
            "status_words": words,
            "daily_limit": cleaned["daily_limit"],
        }
