"""The timetable's only task: look at what is due and ring for it. Two beats do no harm, a missed one costs nothing."""

from celery import shared_task

from storefront.rounds import ring_round


@shared_task(name="storefront.tasks.sweep")
def sweep() -> None:
    ring_round()
