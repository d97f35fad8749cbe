from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class AuditState(models.Model):
    """The one row that says what audits have found sound so far, and when the next one is due.

    ``certified`` has the newest id of each table (transfer, order, event, attempt) up to which the hourly audit need
    not look again, ``noted`` those that were the newest when it last looked: each row is looked at twice, an hour
    apart, so that none is missed which was committed late. ``sums`` has for each of the shop's own accounts the sum of
    its transfers up to the certified one, and of those that a gateway may have, as exact text.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    next_at = models.DateTimeField(_("next audit"))
    full_at = models.DateTimeField(_("last audit of everything"), null=True, blank=True)
    certified = models.JSONField(_("certified"), default=dict)
    noted = models.JSONField(_("noted"), default=dict)
    sums = models.JSONField(_("sums"), default=dict)

    class Meta:
        verbose_name = _("state of the audit")
        verbose_name_plural = _("state of the audit")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="audit_state_is_one_row")]

    def __str__(self) -> str:
        return f"{self.full_at}"
