"""Mail each alert to the owner once."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef

from notices import causes
from notices.models import Alert
from notices.outbox import queue_mail

#: The shortest time between two mails about one cause.
QUIET = timedelta(hours=1)


def recipients() -> list[str]:
    """OWNER_EMAILS, or every active superuser when none is set."""
    if settings.OWNER_EMAILS:
        return list(settings.OWNER_EMAILS)
    owners = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return list(owners.values_list("email", flat=True))


def mail_open_alerts(*, now: datetime) -> int:
    """Queue a mail to each recipient for the open alerts that were not mailed yet; return how many alerts those were.

    A cause that comes and goes is mailed once in an hour; if it is still open then, it is mailed again. An alert that
    mail cannot be sent is not mailed: it stands in the admin, and is gone when mail could bring it.
    """
    just_mailed = Alert.objects.filter(cause=OuterRef("cause"), mailed_at__gt=now - QUIET)
    unmailed = Alert.objects.filter(closed_at=None, mailed_at=None).exclude(Exists(just_mailed))
    unmailed = unmailed.exclude(cause__in=[causes.MAIL_FAILS.key, causes.MAIL_NOT_SET_UP.key])
    if not unmailed.exists() or not (to := recipients()):
        return 0
    with transaction.atomic():
        due = list(unmailed.select_for_update(skip_locked=True)[:50])
        for alert in due:
            for address in to:
                queue_mail(
                    key=f"alert:{alert.pk}:{address}",
                    to=address,
                    template="notices/email/alert",
                    data={"title": alert.title, "body": alert.body, "path": alert.path},
                    language=settings.LANGUAGE_CODE,
                    now=now,
                    is_alert=True,
                )
        Alert.objects.filter(pk__in=[alert.pk for alert in due]).update(mailed_at=now)
    return len(due)
