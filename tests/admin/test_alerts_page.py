"""The page of alerts: the costly ones first, each leading to its page, closed with the name of who did it."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.clock import database_now
from core.models import StaffAction
from notices.alerts import close_alerts, open_alert
from notices.models import Alert, Severity
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
PAGE = "/admin/alerts/"


def raised(cause: str, severity: Severity = Severity.ATTENTION, path: str = "") -> Alert:
    open_alert(cause=cause, title=f"<b>{cause}</b>", body="one\ntwo", severity=severity, path=path, now=database_now())
    return Alert.objects.get(cause=cause)


def test_alerts_are_listed_by_what_they_cost_and_lead_to_their_pages(admin: Client) -> None:
    raised("later", Severity.INFO)
    raised("odd", path="//elsewhere.example/")
    raised("dear", Severity.MONEY, path="/admin/orders/doubtfulorder/")
    over, old = raised("over"), raised("old")
    close_alerts([over.cause, old.cause], now=database_now())
    Alert.objects.filter(pk=old.pk).update(closed_at=database_now() - timedelta(days=8))
    text = admin.get(PAGE).content.decode()
    assert re.findall(r"<h3[^>]*>(?:<bdi>)?&lt;b&gt;(\w+)", text) == ["dear", "odd", "later", "over"]
    assert 'href="/admin/orders/doubtfulorder/"' in text
    assert "elsewhere" not in text
    assert "3 open alerts" in text


def test_alerts_that_another_line_counts_can_be_left_out(admin: Client) -> None:
    for cause in ("ticket:7", "topup:7:decide", "provider:7:parked", "provider:7:sync", "order:7:loss"):
        raised(cause)
    text = admin.get(PAGE, {"others": "1"}).content.decode()
    assert set(re.findall(r"<bdi>&lt;b&gt;(.+?)&lt;", text)) == {"provider:7:sync", "order:7:loss"}
    assert len(re.findall(r"<bdi>&lt;b&gt;", admin.get(PAGE).content.decode())) == 5


def test_an_alert_leads_only_to_pages_that_one_may_open(clerk: User) -> None:
    raised("dear", path="/admin/orders/doubtfulorder/")
    clerk.user_permissions.add(Permission.objects.get(codename="view_alert"))
    assert "Look at it" not in sign_in_staff(clerk).get(PAGE).content.decode()
    clerk.user_permissions.add(Permission.objects.get(codename="view_doubtfulorder"))
    assert "Look at it" in sign_in_staff(User.objects.get(pk=clerk.pk)).get(PAGE).content.decode()


def test_an_alert_is_closed_once(admin: Client) -> None:
    row = raised("a")
    for said in ("The alert is closed.", "The alert was closed before."):
        assert said in admin.post(PAGE, {"alert": row.pk}, follow=True).content.decode()
    row.refresh_from_db()
    assert row.closed_by == "owner@example.com"
    assert [action.action for action in StaffAction.objects.all()] == ["alert.close"]
    for nonsense in ("", "x", "9" * 30, "٣"):
        assert admin.post(PAGE, {"alert": nonsense}).status_code == 302


def test_alerts_are_for_those_who_may_see_or_close_them(clerk: User) -> None:
    row = raised("a")
    assert sign_in_staff(clerk).get(PAGE).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_alert"))
    client = sign_in_staff(User.objects.get(pk=clerk.pk))
    text = client.get(PAGE).content.decode()
    assert f'value="{row.pk}"' not in text
    assert client.post(PAGE, {"alert": row.pk}).status_code == 403
    assert reverse("admin:alerts") in text
