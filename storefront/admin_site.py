from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class ShopAdminSite(AdminSite):
    """The owner's side."""

    site_header = _("Permille")
    site_title = _("Permille")
    index_title = _("The shop")
    login = secure_admin_login(AdminSite.login)
