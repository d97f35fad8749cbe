from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _


class ShopAdminSite(AdminSite):
    """The admin, for owners and staff."""

    site_header = _("Permille")
    site_title = _("Permille")
    index_title = _("The shop")

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the shop's own sign-in page, which has the second factor and the limits."""
        return super().login(request, extra_context)
