from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.translation import gettext_lazy as _

from catalog.addresses import demand_encryption
from catalog.models import Provider
from catalog.providers.dialects import checked_dialect


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """A provider's settings. The stored key is never shown; an empty field keeps it."""

    key = forms.CharField(
        label=_("API key"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text=_("Stored encrypted and never shown again. Leave empty to keep the present key."),
    )

    class Meta:
        model = Provider
        fields = (
            "name", "url", "is_active", "currency", "exchange_rate", "markup_percent", "low_balance",
            "follows_name", "follows_description", "follows_category", "follows_limits", "holds_falls", "new_services",
            "can_refill", "can_cancel", "same_link", "can_list_orders",
            "probing_enabled", "patience_seconds", "body_encoding", "batch_size", "dialect",
        )  # fmt: skip

        # A browser takes the address before a password field for a user name and offers to fill it in.
        widgets = {"url": AdminTextInputWidget(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields and not self.instance.pk:
            self.fields["key"].required = True
            self.fields["key"].help_text = _("Stored encrypted and never shown again.")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if "url" in self.changed_data:
            demand_encryption(url)
        return url

    def clean(self) -> dict[str, Any] | None:
        """A key goes only to the address that it was given for: with another one it has to be entered again."""
        cleaned = super().clean()
        if self.instance.pk and "url" in self.changed_data and not self.cleaned_data.get("key"):
            self.add_error("key", _("The address has changed. Please enter the API key for the new address."))
        return cleaned

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"]).strip()

    def clean_dialect(self) -> dict[str, Any]:
        return checked_dialect(self.cleaned_data["dialect"])

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("key"):
            self.instance.set_key(self.cleaned_data["key"])
        return super().save(commit=commit)
