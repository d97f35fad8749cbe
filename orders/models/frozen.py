import uuid

from django.db import models
from django.db.models import Exists, Func, Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider


class Home(Func):
    """Where this database lives, as ``cluster/timeline/database/table``; the first is empty where it may not be asked.

    A new or copied cluster has another identifier, a recovery another timeline, a copied database another number,
    and tables that a dump created have numbers of their own.
    """

    function = "orders_home"
    arity = 0
    output_field = models.TextField()


class ShopState(models.Model):
    """The one row that says whether the shop may send anything, and in which database that was last confirmed.

    ``shop`` names this shop in marks outside the database; a restored dump brings it back, another shop has another.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    shop = models.UUIDField(_("shop"), default=uuid.uuid4)
    home = models.CharField(_("database"), max_length=80)
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True)
    why = models.CharField(_("frozen because"), max_length=300, blank=True)
    frozen_by = models.CharField(_("frozen by"), max_length=254, blank=True)
    is_restored = models.BooleanField(_("restored"), default=False)
    thawed_at = models.DateTimeField(_("thawed"), null=True, blank=True)
    thawed_by = models.CharField(_("thawed by"), max_length=254, blank=True)
    reason = models.CharField(_("thawed because"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("state of the shop")
        verbose_name_plural = _("state of the shop")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="shop_state_is_one_row")]

    def __str__(self) -> str:
        return "frozen" if self.frozen_at else "open"


#: True in a query while nothing may leave: the row says so, or the database is not the one that the row knows.
FROZEN = Exists(ShopState.objects.filter(Q(frozen_at__isnull=False) | ~Q(home=Home())))

#: True in a query while rows may say less than what was done: put back from a dump, not compared with providers yet.
RESTORED = Exists(ShopState.objects.filter(Q(is_restored=True) | ~Q(home=Home())))


class ThawScan(models.Model):
    """What was found at a provider after a restore, and what became of the rows that had come back.

    ``is_complete`` means every id from the last one we know to the owner's recent one was answered, twice.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("by"), max_length=254)
    reason = models.CharField(_("reason"), max_length=300)
    known_id = models.CharField(_("last id known"), max_length=64, blank=True)
    recent_id = models.CharField(_("recent id from the panel"), max_length=64, blank=True)
    is_complete = models.BooleanField(_("complete"))
    #: {"777": {"charge": "0.9", "state": "completed"}, …}: ids that answer to our key and that no row of ours has.
    unknown = models.JSONField(_("unknown ids"), default=dict)
    doubted = models.JSONField(_("orders now in doubt"), default=list)
    absent = models.JSONField(_("orders proven absent"), default=list)

    class Meta:
        verbose_name = _("scan after a restore")
        verbose_name_plural = _("scans after a restore")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider} {self.at:%Y-%m-%d %H:%M}"
