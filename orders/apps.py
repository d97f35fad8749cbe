from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from orders.drafts import take_over  # models can be imported only now

        user_logged_in.connect(take_over, dispatch_uid="orders.drafts")
