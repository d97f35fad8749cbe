"""What customers and staff do about many orders at once: mass orders, and jobs about orders that there are."""

from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any, ClassVar

from accounts.models import User
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import Actor
from orders.jobs import running
from orders.jobs.by_staff import OF_STAFF, PART, WHOLE, StaffKind, start_by_staff
from orders.jobs.kinds import JobKind
from orders.jobs.of_orders import CANCEL, REFILL, start_for_orders
from orders.jobs.plans import plans_of
from orders.jobs.starting import stop_job
from orders.mass.checking import check_lines
from orders.mass.placing import MassPlacement, place_lines
from orders.mass.reading import read_lines
from orders.models import Job, JobItem, Order
from orders.states import JobItemState
from tests.battery.stage import Stage

#: service of the panel, what stands after the link, units.
_WANTED = (
    ("1", " | 100", 100),
    ("1", " | 333", 333),
    ("2", "\none\ntwo\nthrée\n", 3),
    ("4", "", 1),
    ("1", " | 1000", 1000),
)


class ManyAtOnce:
    """A part of the happenings (`tests.battery.happenings`)."""

    stage: ClassVar[Stage]
    tally: Counter[str]

    def _did(self, rule_name: str) -> None:
        raise NotImplementedError

    def place_many(self, pick: int, count: int, fate: str, twice: bool, point: str | None) -> None:
        """A mass order, sent once more if its process died or the customer is impatient."""
        self._did("place_many")
        who = self.stage.customers[pick // 7 % len(self.stage.customers)]
        text, links = self._text(who, pick, count, fate)
        nonce = f"many{self.stage.number}"
        shown = {
            c.quote.service.pk: c.quote.price
            for c in check_lines(read_lines(text), customer_id=who.pk, now=database_now())
            if c.quote
        }
        first: MassPlacement | None = None
        with self.stage.edges.crash_at(point or ""):
            first = self._send(who, text, shown, nonce, links)
        if not twice and not point:
            return
        again = self._send(who, text, shown, nonce, links)
        if first is not None:
            assert again is not None, "N1 is broken (a repeated mass order is answered as the first)"
            assert again.mass.pk == first.mass.pk, "N1 is broken (a repeated mass order is the first one)"

    def _text(self, who: User, pick: int, count: int, fate: str) -> tuple[str, list[str]]:
        lines, links = [], []
        for n in range(count):
            panel = self.stage.panels[(pick + n) % len(self.stage.panels)]
            service, rest, units = _WANTED[(pick // 5 + n) % len(_WANTED)]
            self.stage.number += 1
            link = f"https://example.com/o/{self.stage.number}?fate={fate}"
            self.stage.model.orders(who.pk, link, panel.sold[service], units)
            lines.append(f"{panel.services[service]} | {link}{rest}")
            links.append(link)
        return "\n".join(lines), links

    def _send(self, who: User, text: str, shown: Any, nonce: str, links: list[str]) -> MassPlacement | None:
        try:
            placed = place_lines(customer=who, lines=read_lines(text), shown=shown, nonce=nonce, now=database_now())
        except Refusal:
            return None
        self.stage.edges.reached("many_placed")
        for order in Order.objects.filter(pk__in=placed.mass.numbers):
            assert order.link in links, "N1 is broken (a mass order has the orders of its own lines)"
            self.stage.model.is_told(order.pk, order.link)
        return placed

    def ask_many(self, pick: int, count: int, point: str | None, stops: bool) -> None:
        """A job about some orders of a customer, theirs or of staff; its worker may die, or it is stopped."""
        who = self.stage.customers[pick % len(self.stage.customers)]
        numbers = list(Order.objects.filter(customer=who).order_by("-pk").values_list("pk", flat=True)[:count])
        self._did("ask_many" if numbers else "ask_many nothing")
        if not numbers:
            return
        self.stage.number += 1
        kind = (REFILL, CANCEL, REFILL, CANCEL, *OF_STAFF.values())[pick % (4 + len(OF_STAFF))]
        with suppress(Refusal):
            job = self._started(who, kind, numbers, part=Decimal(1 + pick % 100))
            with self.stage.edges.crash_at(point or ""):
                running.run_due(seconds=5)
            if stops:
                stop_job(job, now=database_now())
            running.run_due(seconds=5)

    def _started(self, who: User, kind: JobKind, numbers: list[int], part: Decimal) -> Job:
        """The job, started by the customer or by staff; staff ask about what the page shows as possible."""
        given: dict[str, Any] = {"nonce": f"job{self.stage.number}", "now": database_now()}
        if not isinstance(kind, StaffKind):
            return start_for_orders(customer=who, kind=kind, numbers=numbers, **given)
        rights = {"is_staff": True, "is_superuser": True}
        person, _made = User.objects.get_or_create(email="owner@example.com", defaults=rights)
        percent = part if kind is PART else None
        plans = plans_of(numbers, kind.plan, percent=percent or WHOLE, now=given["now"])
        return start_by_staff(
            person=person, actor=Actor(f"staff:{person.pk}", "owner"), kind=kind, reason="together", percent=percent,
            seen={plan.order.pk: plan.seen for plan in plans if not plan.why_not}, **given,
        )  # fmt: skip

    def jobs_end(self) -> None:
        """A worker that died at a job is replaced: then each object of each job that was not stopped has one result."""
        for _worker in range(running.MOST_TRIES + 1):
            JobItem.objects.filter(state=JobItemState.CLAIMED).update(leased_until=database_now())
            running.run_due(seconds=5)
        for job in Job.objects.all():
            assert not job.is_running, f"J1 is broken (job {job.pk} never ends)"
            counts = Counter(job.items.values_list("state", flat=True))
            found = counts[JobItemState.DONE], counts[JobItemState.REFUSED], counts[JobItemState.FAILED]
            assert found == (job.done, job.refused, job.failed), f"J2 is broken (counts of job {job.pk}: {found})"
            assert not job.failed, f"J3 is broken (job {job.pk} failed at something)"
