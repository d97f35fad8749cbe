"""Files that customers sent, kept in the database with everything else of theirs."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

#: What a customer may send.
MOST_BYTES = 5 * 1024 * 1024


class FileKind(models.TextChoices):
    JPEG = "image/jpeg", _("Picture")
    PDF = "application/pdf", _("PDF")


class StoredFile(models.Model):
    """One file. ``digest`` is that of what was sent, so that the same file is found again, no matter who sends it."""

    digest = models.CharField(_("digest"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=FileKind)
    content = models.BinaryField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("sent by"), related_name="sent_files"
    )
    created_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FileKind.values), name="stored_file_of_known_kind"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]
