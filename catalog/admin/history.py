from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest


def log_each(request: HttpRequest, rows: Sequence[Model], what: str) -> None:
    """Record a bulk action in the history of every row it changed, in one statement."""
    if rows:
        LogEntry.objects.log_actions(request.user.pk or 0, rows, CHANGE, change_message=what)
