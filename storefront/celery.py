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
def stop_on_another_currency(**_facts: object) -> None:
    """Stop before the first task if SHOP_CURRENCY is not the currency of the books."""
    from storefront.currency_lock import demand_same_currency  # needs the models, which Celery loads after this module

    demand_same_currency()
