from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.api_keys import BadKeyWish, read_networks
from accounts.models import Scope


class ApiKeyForm(forms.Form):
    """What a new key is called and may do."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("For yourself: what will use it, such as “shop bot”.")
    )
    may = forms.ChoiceField(
        label=_("It may"),
        choices=[("both", _("Read and order")), (Scope.READ.value, _("Only read"))],
        initial="both",
    )
    networks = forms.CharField(
        label=_("Only from these IP addresses"),
        required=False,
        max_length=1000,
        help_text=_("Optional. Addresses or networks, separated by spaces; empty means from everywhere."),
    )

    def clean_networks(self) -> list[str]:
        try:
            return read_networks(self.cleaned_data["networks"].replace(",", " ").split())
        except BadKeyWish as refusal:
            raise forms.ValidationError(str(refusal.message)) from refusal

    def wish(self) -> dict[str, Any]:
        """The keyword arguments of `create_key` that this form knows."""
        cleaned = self.cleaned_data
        scopes = list(Scope.values) if cleaned["may"] == "both" else [cleaned["may"]]
        return {"name": cleaned["name"], "scopes": scopes, "networks": cleaned["networks"]}
