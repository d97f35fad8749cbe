from django.db import models
from django.utils.translation import gettext_lazy as _


class CatalogWrite(models.Model):
    """One statement that wrote services, their sources or categories; triggers add the rows (migration 0023).

    What a process keeps of the catalog is old as soon as these rows are others (`catalog.shop.fingerprint`).
    """

    class Meta:
        verbose_name = _("write of the catalog")
        verbose_name_plural = _("writes of the catalog")

    def __str__(self) -> str:
        return str(self.pk)
