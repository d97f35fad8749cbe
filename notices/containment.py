"""Keep one failing part from stopping the others, such as a provider whose key cannot be decrypted."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import InterfaceError, OperationalError

from core.clock import database_now
from notices import causes
from notices.alerts import raise_alert
from notices.models import Alert

log = logging.getLogger(__name__)


@contextmanager
def contained(part: str, *, path: str = "") -> Iterator[None]:
    """Catch any exception in the block, log it with its traceback, and alert the owner.

    Not for expected failures, which have their own classes. Errors of a database connection are raised: nothing that
    follows could work either, and the caller waits for the database. Must not be used inside a transaction.
    """
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:
        log.exception("%s failed", part)
        raise_alert(causes.FAILURE, now=database_now(), path=path, part=part, kind=type(problem).__name__)


def failures_since(moment: datetime) -> int:
    """How many contained parts have failed since ``moment``."""
    return Alert.objects.filter(
        cause__startswith=causes.FAILURE.key_for({"part": ""}), closed_at=None, last_at__gte=moment
    ).count()
