from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StorefrontConfig(AppConfig):
    name = "storefront"


class ShopAdminConfig(AdminConfig):
    """Django's admin, signed in to through the shop's own sign-in page (second factor, limits)."""

    default_site = "storefront.admin_site.ShopAdminSite"
