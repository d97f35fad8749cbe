from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _

from core.frozen import ask_by


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from orders.drafts import take_over  # models can be imported only now
        from orders.freezing import is_frozen
        from orders.jobs import by_staff, of_orders  # noqa: F401 - registers kinds, which workers look up

        user_logged_in.connect(take_over, dispatch_uid="orders.drafts")
        ask_by(is_frozen)
