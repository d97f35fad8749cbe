from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StorefrontConfig(AppConfig):
    name = "storefront"

    def ready(self) -> None:
        """Join the two faces that do not know each other. Imported late: neither loads before its models may."""
        from api.tickets import use_desk
        from support.tickets import open_ticket

        use_desk(open_ticket)


class ShopAdminConfig(AdminConfig):
    """Django's admin, signed in to through the shop's own sign-in page (second factor, limits)."""

    default_site = "storefront.admin_site.ShopAdminSite"
