from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StorefrontConfig(AppConfig):
    name = "storefront"

    def ready(self) -> None:
        """Let the API open tickets, and evidence files name orders.

        Imported here, because models cannot load before the app registry is ready.
        """
        from api.tickets import use_ticket_opener
        from storefront import evidence
        from support.tickets import open_ticket

        use_ticket_opener(open_ticket)
        evidence.connect()


class ShopAdminConfig(AdminConfig):
    """Django's admin, signed in to through the shop's own sign-in page (second factor, limits)."""

    default_site = "storefront.admin_site.ShopAdminSite"
