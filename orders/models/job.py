from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.states import JOB_ITEM_OPEN, JobItemState, JobState


class Job(models.Model):
    """Something asked about many objects at once, by a customer or by staff (`orders.jobs`).

    ``total`` is how many there are; ``done``, ``refused`` and ``failed`` count those that have a result. A job of staff
    has a reason, and in ``terms`` what else was chosen, such as the percent of a refund, and from where it was asked.
    """

    kind = models.CharField(_("kind"), max_length=40)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("customer"),
        related_name="jobs",
        null=True,
        blank=True,
        db_index=False,
    )
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("staff"),
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    #: Who asked, as the timelines of the objects name them.
    actor = models.CharField(_("by"), max_length=254)
    nonce = models.CharField(_("nonce"), max_length=64)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="", db_default="")
    terms = models.JSONField(_("terms"), default=dict, blank=True, db_default={})
    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.RUNNING)
    total = models.IntegerField(_("objects"))
    done = models.PositiveIntegerField(_("done"), default=0)
    refused = models.PositiveIntegerField(_("not possible"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    created_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        constraints = [
            # A form that is sent again starts nothing again.
            models.UniqueConstraint(fields=["customer", "nonce"], name="job_once_per_customers_nonce"),
            models.UniqueConstraint(fields=["staff", "nonce"], name="job_once_per_staffs_nonce"),
            models.CheckConstraint(
                condition=Q(customer=None, staff__isnull=False) | Q(customer__isnull=False, staff=None),
                name="job_of_one_person",
            ),
            models.CheckConstraint(condition=Q(staff=None) | ~Q(reason=""), name="job_of_staff_has_a_reason"),
            models.CheckConstraint(
                condition=Q(total__gte=1) & Q(total__gte=F("done") + F("refused") + F("failed")), name="job_counts_sane"
            ),
            models.CheckConstraint(
                condition=Q(state=JobState.RUNNING, finished_at=None)
                | (~Q(state=JobState.RUNNING) & Q(finished_at__isnull=False)),
                name="job_ends_with_a_time",
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state=JobState.RUNNING), name="job_running")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.created_at:%Y-%m-%d %H:%M})"

    @property
    def settled(self) -> int:
        """How many objects have a result."""
        return self.done + self.refused + self.failed

    @property
    def unsettled(self) -> int:
        """How many objects have no result: not yet, or for good if the job was stopped."""
        return self.total - self.settled

    @property
    def is_running(self) -> bool:
        return self.state == JobState.RUNNING


class JobItem(models.Model):
    """One object of a job: ``object_id`` is the key of a row of whatever the kind of the job is about.

    ``seen`` stands for what the person saw of the object: nothing is done to one that changed since. ``message`` is a
    sentence for them, in their language.
    """

    job = models.ForeignKey(Job, models.CASCADE, verbose_name=_("job"), related_name="items", db_index=False)
    object_id = models.BigIntegerField(_("object"))
    seen = models.CharField(_("seen"), max_length=64, blank=True, default="", db_default="")
    state = models.CharField(_("state"), max_length=10, choices=JobItemState, default=JobItemState.WAITING)
    message = models.CharField(_("result"), max_length=300, blank=True)
    #: How often somebody began with it.
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("object of a job")
        verbose_name_plural = _("objects of jobs")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "object_id"], name="job_object_once"),
            models.CheckConstraint(
                condition=Q(state=JobItemState.CLAIMED, leased_until__isnull=False)
                | (~Q(state=JobItemState.CLAIMED) & Q(leased_until=None)),
                name="job_item_claimed_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "id"], condition=Q(state__in=sorted(JOB_ITEM_OPEN)), name="job_item_open")
        ]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.object_id}"
