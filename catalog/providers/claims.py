"""Claims the next due provider for one piece of work, so that two timetables never do the same work."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import Provider


def claim(due: Q, field: str, *, until: datetime) -> Provider | None:
    """Set ``field`` of the provider longest due by it to ``until`` and return the provider, None if none is due.

    If the process dies at its work, the provider is due again at ``until``.
    """
    with transaction.atomic():
        waiting = Provider.objects.select_for_update(skip_locked=True, no_key=True).filter(due)
        provider = waiting.order_by(field, "pk").first()
        if provider is not None:
            Provider.objects.filter(pk=provider.pk).update(**{field: until})
    return provider
