from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Connect the receivers of the signals of signing in and of migrating."""
        if getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None):
            raise ImproperlyConfigured("MFA_TOTP_INSECURE_BYPASS_CODE lets anybody who knows it into every account.")
        # After the last app: by then every app has its permissions.
        post_migrate.connect(_sync_roles, sender=[*apps.get_app_configs()][-1])
        from accounts import second_factor, security_events, terms, viewing  # noqa: F401  # models can be imported only now


def _sync_roles(apps: Any = apps, **_others: Any) -> None:
    """Bring the ready roles in line with their table, unless the database is, or goes back, to where none are known."""
    from accounts.roles import sync_roles  # models can be imported only now

    if ("accounts", "staffrole") in {(m._meta.app_label, m._meta.model_name) for m in apps.get_models()}:
        sync_roles()
