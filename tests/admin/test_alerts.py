from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from notices.alerts import open_alert
from notices.heartbeats import beat
from notices.models import Alert, Severity
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
LIST = "admin:notices_alert_changelist"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def alert(cause: str, **more: object) -> Alert:
    open_alert(cause=cause, title=f"About {cause}", now=NOON, **more)
    return Alert.objects.get(cause=cause, closed_at=None)


def close(client: Client, *alerts: Alert) -> str:
    chosen = {"action": "close", "_selected_action": [str(a.pk) for a in alerts]}
    return client.post(reverse(LIST), chosen, follow=True).content.decode()


def test_open_alerts_come_first(admin: Client) -> None:
    first, second = alert("a"), alert("b")
    close(admin, second)
    third = alert("b")
    assert [a.pk for a in admin.get(reverse(LIST)).context["cl"].result_list] == [third.pk, first.pk, second.pk]
    assert admin.get(reverse(LIST), {"open": "0"}).context["cl"].result_list[0].pk == second.pk


def test_an_alert_is_closed_once_with_the_name_of_who_did_it(admin: Client) -> None:
    row = alert("a")
    assert "1 alert closed" in close(admin, row)
    row.refresh_from_db()
    assert row.closed_by == "owner@example.com"
    assert "0 alerts closed" in close(admin, row)


def test_closing_needs_permission_to_change_alerts(clerk: User) -> None:
    row = alert("a")
    clerk.user_permissions.add(Permission.objects.get(codename="view_alert"))
    close(sign_in_staff(clerk), row)
    row.refresh_from_db()
    assert row.closed_at is None


def test_an_alert_is_read_and_never_edited(admin: Client) -> None:
    row = alert("a", body="<b>what</b> happened", path="/admin/orders/order/", severity=Severity.MONEY)
    page = reverse("admin:notices_alert_change", args=[row.pk])
    text = admin.get(page).content.decode()
    assert "&lt;b&gt;what" in text
    assert '<a href="/admin/orders/order/">' in text
    assert "Costs money" in text
    assert admin.post(page, {"title": "nothing"}).status_code == 403


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_an_alert_never_links_to_another_site(admin: Client, path: str) -> None:
    row = alert("a", path=path)
    assert "evil" not in admin.get(reverse("admin:notices_alert_change", args=[row.pk])).content.decode()


def test_heartbeats_are_shown(admin: Client) -> None:
    beat("sweep", now=NOON)
    page = reverse("admin:notices_heartbeat_changelist")
    assert "sweep" in admin.get(page).content.decode()
    assert admin.post(reverse("admin:notices_heartbeat_delete", args=["sweep"]), {"post": "yes"}).status_code == 403
