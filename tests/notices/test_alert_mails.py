"""The owner gets one mail for each alert, and not one for each turn of a cause that comes and goes."""

from datetime import timedelta
from typing import Any

import pytest

from core.clock import database_now
from notices.alert_mails import mail_open_alerts
from notices.alerts import close_alerts, open_alert
from notices.models import Outbox

pytestmark = pytest.mark.django_db


def test_a_cause_that_comes_and_goes_is_mailed_once_in_an_hour(settings: Any) -> None:
    settings.OWNER_EMAILS = ["owner@shop.example"]
    start = database_now()
    for minute in range(59):
        now = start + timedelta(minutes=minute)
        open_alert(cause="provider:1:parked", title="It is parked", now=now)
        mail_open_alerts(now=now)
        close_alerts(["provider:1:parked"], now=now)
    assert Outbox.objects.count() == 1
    open_alert(cause="provider:1:parked", title="It is parked", now=start + timedelta(minutes=59))
    open_alert(cause="provider:2:parked", title="Another is parked", now=start + timedelta(minutes=59))
    mail_open_alerts(now=start + timedelta(minutes=59))
    assert Outbox.objects.count() == 2  # another cause is mailed at once
    mail_open_alerts(now=start + timedelta(minutes=61))
    assert Outbox.objects.count() == 3  # it is still open after an hour
