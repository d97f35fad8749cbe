from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Connect the receivers of the signals of signing in."""
        if getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None):
            raise ImproperlyConfigured("MFA_TOTP_INSECURE_BYPASS_CODE lets anybody who knows it into every account.")
        from accounts import second_factor, security_events, terms  # noqa: F401  # models can be imported only now
