from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.provider import SyncRun


class SyncDiff(models.Model):
    """Everything a sync changed, or would have changed had it not been refused, as a gzipped CSV file."""

    run = models.OneToOneField(SyncRun, models.CASCADE, verbose_name=_("sync"), related_name="diff")
    packed = models.BinaryField(_("changes"))
    lines = models.PositiveIntegerField(_("lines"))

    def __str__(self) -> str:
        return f"{self.run_id}: {self.lines}"
