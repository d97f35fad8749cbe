"""Loaded once, in the process from which the canaries' processes are forked: Django, set up, and what tests import."""

import gc
import importlib
import os
from urllib.parse import urlsplit

import django

django.setup()
for _name in (
    "pytest",
    "hypothesis.stateful",
    "playwright.sync_api",
    "django.test",
    "orders.tasks",
    "upstream.simulator",
):
    importlib.import_module(_name)
gc.freeze()


def read_anew() -> None:
    """Take from this process's environment what differs between processes: the database's name, and the broker's."""
    from django.conf import settings

    from storefront.environment import celery_broker

    settings.DATABASES["default"]["NAME"] = urlsplit(os.environ["DATABASE_URL"]).path.removeprefix("/")
    settings.REDIS_URL = os.environ["REDIS_URL"]
    settings.CELERY_BROKER_URL = celery_broker(settings.REDIS_URL)
