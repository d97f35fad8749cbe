"""Jobs and mass orders that the database must not take."""

from typing import Any

from core.clock import database_now
from orders.models import Job, JobItem, MassOrder
from tests.billing.bad_rows import Shop, refuses


def _job(shop: Shop, **columns: Any) -> Job:
    given = {"customer": shop.alice, "kind": "refill", "actor": "alice", "nonce": "n", "total": 1}
    return Job.objects.create(created_at=database_now(), **{**given, **columns})


@refuses("job_once_per_customers_nonce")
def two_jobs_of_one_form(shop: Shop) -> None:
    _job(shop)
    _job(shop)


@refuses("job_once_per_staffs_nonce")
def two_jobs_of_one_form_of_staff(shop: Shop) -> None:
    _job(shop, customer=None, staff=shop.bob, reason="late")
    _job(shop, customer=None, staff=shop.bob, reason="late")


@refuses("job_of_staff_has_a_reason")
def a_job_of_staff_without_a_reason(shop: Shop) -> None:
    _job(shop, customer=None, staff=shop.bob)


@refuses("job_of_one_person")
def a_job_of_nobody(shop: Shop) -> None:
    _job(shop, customer=None)


@refuses("job_of_one_person")
def a_job_of_two(shop: Shop) -> None:
    _job(shop, staff=shop.bob)


@refuses("job_counts_sane")
def a_job_about_nothing(shop: Shop) -> None:
    _job(shop, total=0)


@refuses("job_counts_sane")
def a_job_with_more_results_than_objects(shop: Shop) -> None:
    _job(shop, total=2, done=1, refused=1, failed=1)


@refuses("job_ends_with_a_time")
def a_running_job_that_has_ended(shop: Shop) -> None:
    _job(shop, finished_at=database_now())


@refuses("job_ends_with_a_time")
def a_stopped_job_that_never_ended(shop: Shop) -> None:
    _job(shop, state="stopped")


@refuses("job_object_once")
def one_object_twice_in_a_job(shop: Shop) -> None:
    job = _job(shop)
    JobItem.objects.create(job=job, object_id=1)
    JobItem.objects.create(job=job, object_id=1)


@refuses("job_item_claimed_has_a_lease")
def a_claim_for_ever(shop: Shop) -> None:
    JobItem.objects.create(job=_job(shop), object_id=1, state="claimed")


@refuses("job_item_claimed_has_a_lease")
def a_lease_of_nothing(shop: Shop) -> None:
    JobItem.objects.create(job=_job(shop), object_id=1, leased_until=database_now())


def _mass(shop: Shop, **columns: Any) -> MassOrder:
    given = {"customer": shop.alice, "nonce": "n", "numbers": [1], "lines": [1], "charge": "1", "left": 0}
    return MassOrder.objects.create(created_at=database_now(), **{**given, **columns})


@refuses("mass_order_once_per_nonce")
def two_mass_orders_of_one_form(shop: Shop) -> None:
    _mass(shop)
    _mass(shop)


@refuses("mass_order_charge_positive")
def a_free_mass_order(shop: Shop) -> None:
    _mass(shop, charge="0")


@refuses("mass_order_line_of_each")
def a_mass_order_of_nothing(shop: Shop) -> None:
    _mass(shop, numbers=[], lines=[])


@refuses("mass_order_line_of_each")
def an_order_from_no_line(shop: Shop) -> None:
    _mass(shop, numbers=[1, 2], lines=[1])
