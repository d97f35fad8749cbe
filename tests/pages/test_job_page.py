"""The page of a job: how far it is, the result of each order, a stop, and a table of all results."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from core.clock import database_now
from core.models import StaffAction
from orders import freezing
from orders.jobs import running
from orders.jobs.of_orders import CANCEL, REFILL, start_for_orders
from orders.models import Job
from orders.states import JobState
from tests.orders.staff import clerk_with
from tests.pages.cast import Orders, customer
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


def text(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())


@pytest.fixture
def job(alice: User, orders: Orders) -> Job:
    numbers = [orders.completed().pk, orders.queued(link="https://instagram.com/queued.one").pk]
    return start_for_orders(customer=alice, kind=REFILL, numbers=numbers, nonce="n", now=database_now())


def test_a_job_is_followed_to_its_end(signed_in: Client, job: Job) -> None:
    path = f"/jobs/{job.pk}/"
    before = signed_in.get(path)
    html = " ".join(before.content.decode().split())
    assert "Refill of 2 orders" in html
    assert "0 of 2 done" in html
    assert before["Cache-Control"] == "private, no-store" or "no-store" in before["Cache-Control"]
    seen = f"{path}?seen={before.context['version']}"
    assert f'hx-get="{seen}"' in html
    assert signed_in.get(seen).status_code == 204
    running.run_due()
    news = signed_in.get(seen)
    assert news.status_code == 200
    after = " ".join(news.content.decode().split())
    assert "<html" not in after
    assert "hx-get" not in after
    assert "2 of 2 done" in after
    assert after.index("Only a completed order can be refilled.") < after.index("A refill was requested.")


def test_a_job_is_found_again_from_my_orders_and_its_list(signed_in: Client, job: Job) -> None:
    with CaptureQueriesContext(connection) as caught:
        html = text(signed_in, "/orders/")
    assert f'<a class="a" href="/jobs/{job.pk}/">Refill of 2 orders</a>: 0 of 2 done' in html
    assert sum("orders_job" in query["sql"] for query in caught) == 1
    running.run_due()
    assert "Refill of 2 orders" not in text(signed_in, "/orders/")
    html = text(signed_in, "/jobs/")
    assert f'href="/jobs/{job.pk}/">Refill of 2 orders</a>' in html
    assert "2 of 2 done" in html
    assert 'href="/jobs/"' in text(signed_in, f"/jobs/{job.pk}/")
    bob = sign_in_customer(customer("bob@example.com"))
    assert "Nothing yet" in text(bob, "/jobs/")


def test_staff_with_the_right_see_and_stop_a_job_of_a_customer(signed_in: Client, job: Job) -> None:
    page = reverse("admin:orders_job_change", args=[job.pk])
    assert signed_in.get(page).status_code == 302
    other = User.objects.create_user("other@example.com", "correct horse battery", is_staff=True)
    assert sign_in_staff(other).get(page).status_code == 403
    clerk = clerk_with("change_doubtfulorder")
    assert "Refill of 2 orders" in text(clerk, reverse("admin:orders_job_changelist"))
    assert "alice" in text(clerk, page)
    clerk.post(reverse("admin:orders_job_stop", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == JobState.STOPPED
    assert StaffAction.objects.get(action="job.stop").object_id == str(job.pk)


def test_a_job_is_stopped_from_its_page(signed_in: Client, job: Job) -> None:
    answer = signed_in.post(f"/jobs/{job.pk}/stop", follow=True)
    html = " ".join(answer.content.decode().split())
    assert "Nothing more is asked" in html
    assert "2 orders were not asked about." in html
    assert f'action="/jobs/{job.pk}/stop"' not in html
    job.refresh_from_db()
    assert job.state == JobState.STOPPED
    assert "It had ended already." in signed_in.post(f"/jobs/{job.pk}/stop", follow=True).content.decode()


def test_a_frozen_shop_says_that_the_job_waits(signed_in: Client, job: Job) -> None:
    freezing.freeze(why="test", now=database_now())
    assert "asks nothing meanwhile" in text(signed_in, f"/jobs/{job.pk}/")


def test_the_results_are_a_table(signed_in: Client, alice: User, orders: Orders) -> None:
    numbers = [orders.queued(link=f"https://instagram.com/a.{n}").pk for n in range(3)]
    job = start_for_orders(customer=alice, kind=CANCEL, numbers=numbers, nonce="n", now=database_now())
    running.run_due()
    answer = signed_in.get(f"/jobs/{job.pk}/results.csv")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert rows[0] == ["Order number", "Link", "Result", "Details"]
    assert [row[0] for row in rows[1:]] == [str(number) for number in numbers]
    assert {tuple(row[2:]) for row in rows[1:]} == {("Done", "Canceled. Its money is back in your wallet.")}


@pytest.mark.parametrize("path", ["", "stop", "results.csv"])
def test_a_job_of_somebody_else_does_not_exist(job: Job, path: str) -> None:
    bob = sign_in_customer(customer("bob@example.com"))
    ask = bob.post if path == "stop" else bob.get
    assert ask(f"/jobs/{job.pk}/{path}").status_code == 404
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_a_job_of_staff_is_no_page_of_the_shop(signed_in: Client, alice: User) -> None:
    given = {"kind": "refill", "actor": "a", "reason": "late", "nonce": "n", "total": 1}
    job = Job.objects.create(staff=alice, created_at=database_now(), **given)
    assert signed_in.get(f"/jobs/{job.pk}/").status_code == 404
