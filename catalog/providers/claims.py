"""Takes the next due provider for one piece of work. The row is claimed first, so two timetables do no harm."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import Provider


def claim(due: Q, field: str, *, until: datetime) -> Provider | None:
    """The provider longest due by ``field``, which is set to ``until``: if we die at work, it is due again then."""
    with transaction.atomic():
        waiting = Provider.objects.select_for_update(skip_locked=True, no_key=True).filter(due)
        provider = waiting.order_by(field, "pk").first()
        if provider is not None:
            Provider.objects.filter(pk=provider.pk).update(**{field: until})
    return provider
