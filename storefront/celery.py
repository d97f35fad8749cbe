"""The Celery application: doorbells and the schedule. Messages never carry order data."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storefront.settings")

app = Celery("storefront")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["storefront", "orders", "catalog"])


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def check_the_start(**_facts: object) -> None:
    """Stop before the first task if SHOP_CURRENCY is not the currency of the books; say so if there is no mail."""
    # These need models or settings, which Celery loads after this module.
    from storefront.currency_lock import demand_same_currency
    from storefront.no_mail import warn_without_mail

    demand_same_currency()
    warn_without_mail()
