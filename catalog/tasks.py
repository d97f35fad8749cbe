"""The catalog's Celery task. It takes no arguments: the rows say what is due."""

from celery import shared_task
from django.conf import settings

from catalog.sync import scheduled
from core.clock import database_now

_LIMIT = settings.SYNC_DEADLINE_SECONDS + settings.READ_DEADLINE_SECONDS + 60


@shared_task(name="catalog.tasks.sync_due", soft_time_limit=_LIMIT, time_limit=_LIMIT + 30)
def sync_due() -> None:
    scheduled.sync_due(now=database_now())
