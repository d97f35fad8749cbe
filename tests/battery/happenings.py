"""All that customers, the owner, providers, the network and bad luck may do to a shop on the stage, in any order."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, ClassVar

from django.test import override_settings

from catalog.models import Provider
from catalog.providers import health
from catalog.sync.run import sync_provider
from core.clock import database_now
from core.refusals import Refusal
from orders import cancellations, decisions, refills, tasks
from orders.books import reconciliation
from orders.doubt import resolve
from orders.following import poll
from orders.forwarding import dispatch, refill_sends
from orders.models import Order, Refill
from orders.states import Forward
from tests.actors import OWNER
from tests.battery import counts
from tests.battery.draining import decide_rightly, drain, thaw
from tests.battery.judge import must_hold
from tests.battery.stage import Panel, Stage
from tests.battery.wire_seam import UNREACHABLE

SETTINGS = [
    {"FORWARD_LANES": 1, "BREAKER_DOUBTS": 60, "BREAKER_STREAK": 60, "REFUSAL_STREAK": 0, "BREAKER_COST": 1000},
    {"FORWARD_LANES": 1, "BREAKER_DOUBTS": 3, "BREAKER_STREAK": 5, "REFUSAL_STREAK": 3, "BREAKER_COST": 100},
    {"FORWARD_LANES": 1, "BREAKER_DOUBTS": 60, "BREAKER_STREAK": 60, "REFUSAL_STREAK": 0, "BREAKER_COST": 1},
    {"FORWARD_LANES": 2, "BREAKER_DOUBTS": 60, "BREAKER_STREAK": 60, "REFUSAL_STREAK": 0, "BREAKER_COST": 1000},
]
ALWAYS = {"PROBE_INTERVAL_SECONDS": 0.001, "POLL_CALLS_PER_MINUTE": 60_000}
WANTED = {
    "1": [({"quantity": "100"}, 100), ({"quantity": "333"}, 333), ({"quantity": "1000"}, 1000),
          ({"quantity": "100", "runs": "3", "interval": "10"}, 300)],
    "2": [({"comments": "one\ntwo\nthrée"}, 3), ({"comments": "yes"}, 1)],
    "4": [({}, 1)],
}  # fmt: skip


class Happenings:
    """``stage`` is put there by the test. :meth:`opens` begins, :meth:`ends` drains the shop and judges it at rest."""

    stage: ClassVar[Stage]
    settings: Any = None

    # The beginning and the end.

    def opens(self, chosen: dict[str, Any], money: str) -> None:
        """An empty shop with these settings, and customers with so much in their wallets."""
        self.steps = 0
        self.tally: Counter[str] = Counter()
        self.has_dump = self.was_restored = False
        self.settings = override_settings(**ALWAYS, **chosen)
        self.settings.enable()
        self.stage.begin()
        self.stage.truth.cap, self.stage.truth.lanes = Decimal(chosen["BREAKER_COST"]), chosen["FORWARD_LANES"]
        self.stage.truth.dearest = Decimal("1.5")
        for number, who in enumerate(self.stage.customers):
            self.stage.pays(who, Decimal(money), reference=f"start:{number}")

    def is_judged(self) -> None:
        """What must hold after every step holds."""
        self.steps += 1
        must_hold(self.stage.look())

    def ends(self, *at_rest: Callable[[], None]) -> None:
        """Faults end, the shop comes to rest, and everything is judged and counted, ``at_rest`` too."""
        try:
            drain(self.stage)
            for check in at_rest:
                check()
                drain(self.stage)
            must_hold(self.stage.look(at_rest=True))
            assert self.stage.judge.checks == self.steps + 1
        finally:
            self._count()
            self.settings.disable()

    def _count(self) -> None:
        """Example by example, so that a run that fails half-way has counted what it did."""
        points = {f"point:{name}": count for name, count in self.stage.edges.fired.items()}
        checks = self.stage.judge.checks
        counts.add(self._faults(), rules={**self.tally, **points}, checks=checks, steps=self.steps + 1)
        self.stage.edges.fired.clear()
        self.stage.wire.faults.clear()

    def _faults(self) -> Counter[str]:
        found = Counter(self.stage.wire.faults)
        for panel in self.stage.panels:
            found.update(panel.account.provider.record.faults)
            found.update(order.fate.partition(":")[0] for order in panel.books.orders.values())
        return found

    # Small things that many rules do.

    def _did(self, rule_name: str) -> None:
        self.tally[rule_name] += 1

    def _panel(self, pick: int) -> Panel:
        return self.stage.panels[pick % len(self.stage.panels)]

    def _order(self, pick: int) -> Order | None:
        known = sorted(self.stage.model.acknowledged)
        return Order.objects.get(pk=known[pick % len(known)]) if known else None

    def buy(self, pick: int, fate: str = "", nonce: str | None = None) -> Order | None:
        service = ("1", "1", "1", "2", "4")[pick % 5]
        choices = WANTED[service]
        fields, units = choices[pick // 5 % len(choices)]
        who = self.stage.customers[pick // 7 % len(self.stage.customers)]
        return self.stage.buys(who, self._panel(pick), service, fields, units=units, fate=fate, nonce=nonce)

    def _script(self, fault: str | None, action: str) -> None:
        """The next such call at either provider meets the fault; what was planned before is off."""
        for panel in self.stage.panels:
            panel.account.provider.plan.clear()
            panel.account.unreachable.clear()
            if fault in UNREACHABLE:
                panel.account.unreachable.append(fault)
            elif fault:
                panel.account.provider.plan.set_script([fault], [action])

    def forward(self) -> None:
        for provider in Provider.objects.filter(parked_at__isnull=False):
            if provider.parked_reason != "not_enough_funds":
                health.unpark(provider.pk, now=database_now(), actor="owner")
        dispatch.forward_due(seconds=5)
        self._script(None, "add")

    # Customers and the owner.

    def top_up(self, pick: int, amount: str, how: str) -> None:
        self._did(f"top_up {how}")
        who = self.stage.customers[pick % 3]
        reference = f"payment:{pick}"
        paid = Decimal(amount)
        self.stage.pays(who, paid, reference=reference)
        if how == "twice":
            self.stage.pays(who, paid, reference=reference)
        elif how == "forged":
            self.stage.pays(who, paid, reference=reference, claimed=paid * 2)
        elif how == "nonsense":
            self.stage.pays(who, Decimal("NaN"), reference=f"{reference}:nan")
            self.stage.pays(who, Decimal("-1"), reference=f"{reference}:minus")
            self.stage.pays(who, Decimal("0.000001"), reference=f"{reference}:fine")

    def place(self, pick: int, fate: str, twice: bool) -> None:
        self._did("place")
        nonce = f"nonce{self.stage.number}" if twice else None
        first = self.buy(pick, fate, nonce)
        if twice and first is not None:
            again = self.buy(pick, fate, nonce)
            assert again is not None, "N1 is broken (a repeat is answered as the first)"
            assert again.pk == first.pk, "N1 is broken (a repeat is the first order)"

    def send(self, pick: int, fault: str, fate: str) -> None:
        self._did("send")
        self.buy(pick, fate)
        # Naming an order of ours is a fault that can be seen only once we know of that order.
        self._script(None if fault == "id_ours" and not self.stage.knows_the_newest() else fault, "add")
        self.forward()

    def send_into_doubt(self, pick: int, fault: str) -> None:
        self._did("send_into_doubt")
        self.buy(pick, "completed")
        self._script(fault, "add")
        self.forward()

    def send_honestly(self, pick: int, fate: str) -> None:
        self._did("send_honestly")
        self.buy(pick, fate)
        self.forward()

    def claim(self, pick: int) -> None:
        """Somebody takes an order and is never seen again."""
        self._did("claim")
        self.buy(pick)
        with self.stage.edges.crash_at("claimed"):
            self.forward()

    def crash_at(self, pick: int, point: str, fault: str | None) -> None:
        self._did("crash_at")
        self.buy(pick, "completed")
        self._script(fault, "add")
        with self.stage.edges.crash_at(point):
            self.forward()
        self._script(None, "add")

    def crash_at_the_counter(self, pick: int, point: str) -> None:
        """The process that takes an order dies before or after its commit, and tells nobody."""
        self._did("crash_at_the_counter")
        with self.stage.edges.crash_at(point):
            self.buy(pick)

    def pause_at(self, pick: int, point: str, meanwhile: str) -> None:
        self._did(f"pause_at, {meanwhile}")
        order = self.buy(pick, "completed")
        with self.stage.edges.pause_at(point, lambda: self._meanwhile(meanwhile, order)):
            self.forward()

    def late_answer(self, pick: int, then: str) -> None:
        """The answer came, its reader was stopped, the sweep gave the attempt up: what was said counts all the same."""
        self._did("late_answer")
        order = self.buy(pick, "completed")
        with self.stage.edges.pause_at("answered", lambda: self._meanwhile(then, order)):
            self.forward()

    def _meanwhile(self, what: str, order: Order | None) -> None:
        if what == "a moment":
            self.stage.time.advance(20)
        elif what in ("the lease ends", "the doubt settles"):
            self.stage.time.advance(100 if what == "the lease ends" else 640)
            self.stage.works()
        elif what == "a twin works":
            dispatch.forward_due(seconds=5)
        elif what == "parked":
            health.park(self.stage.panels[0].pk, reason="outage", now=database_now())
        elif order is not None:
            with suppress(Refusal):
                cancellations.request_cancel(order=order, actor="customer", now=database_now())

    def cancel(self, pick: int, fault: str | None) -> None:
        order = self._order(pick)
        if order is None:
            return
        self._did("cancel")
        with suppress(Refusal):
            cancellations.request_cancel(order=order, actor="customer", now=database_now())
        self._script(fault, "cancel")
        cancellations.ask_due(seconds=5)
        self._script(None, "cancel")

    def refill(self, pick: int, fault: str | None, point: str | None) -> None:
        done = Order.objects.filter(progress="completed", service__source__refill=True).exclude(
            pk__in=Refill.objects.filter(finished_at=None).values("order")
        )
        order = done.order_by("pk")[pick % max(1, done.count()) :].first()
        self._did("refill" if order else "refill of nothing")
        if order is not None:
            with suppress(Refusal):
                refills.request_refill(order=order, actor="customer", now=database_now())
        self._script(fault, "refill_status" if fault == "refill_unknown" else "refill")
        with self.stage.edges.crash_at(point or ""):
            refill_sends.send_due(seconds=5)
            refills.follow_due(seconds=5)
        self._script(None, "refill")

    def owner_decides(self, pick: int, is_right: bool, refund: bool) -> None:
        doubtful = Order.objects.filter(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW]).order_by("pk")
        order = doubtful[pick % max(1, doubtful.count()) :].first()
        self._did("owner_decides" if order else "owner_decides nothing")
        if order is None:
            return
        if is_right:
            decide_rightly(self.stage, order, refund=refund)
            return
        with suppress(Refusal):
            decisions.decide_not_placed(
                order_id=order.pk, refund=refund, actor=OWNER, reason="I think", now=database_now()
            )

    # What the shop does by itself, and its broker.

    def sweep(self) -> None:
        self._did("sweep")
        self.stage.sweeps()

    def work_alone(self) -> None:
        self._did("work_alone")
        self.stage.works()

    def resolve(self, fault: str | None, point: str | None) -> None:
        self._did("resolve")
        self._script(fault, "services")
        with self.stage.edges.crash_at(point or ""):
            resolve.resolve_due(now=database_now(), seconds=5)
        self._script(None, "services")

    def sync(self, fault: str | None) -> None:
        self._did("sync")
        self._script(fault, "services")
        for panel in self.stage.panels:
            sync_provider(Provider.objects.get(pk=panel.pk), now=database_now(), actor="owner")
        self._script(None, "services")

    def poll(self, fault: str | None, point: str | None) -> None:
        self._did("poll")
        Order.objects.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())
        self._script(fault, "status")
        with self.stage.edges.crash_at(point or ""):
            poll.follow_due(seconds=5)
        self._script(None, "status")

    def reconcile(self, fault: str | None) -> None:
        self._did("reconcile")
        self._script(fault, "balance")
        reconciliation.reconcile_due(now=database_now())
        self._script(None, "balance")

    def ring(self) -> None:
        self._did("ring")
        for _ in range(min(3, len(self.stage.bells.rung))):
            _TASKS.get(self.stage.bells.rung.popleft(), lambda: None)()

    def drop_doorbells(self) -> None:
        self._did("drop_doorbells")
        self.stage.bells.rung.clear()

    def double_doorbells(self) -> None:
        self._did("double_doorbells")
        self.stage.bells.rung.extend(list(self.stage.bells.rung)[:4])

    # Time, providers, disasters.

    def advance(self, seconds: int) -> None:
        self._did("advance")
        self.stage.time.advance(seconds)

    def worker_clock(self, seconds: int) -> None:
        """Everything a process reads of its own machine is wrong by so much, and nothing comes of it."""
        self._did("worker_clock")
        self.stage.wrong_by = seconds

    def reprice(self, pick: int, factor: str) -> None:
        self._did("reprice")
        self.stage.reprices(self._panel(pick), Decimal(factor))

    def foreign_order(self, pick: int) -> None:
        self._did("foreign_order")
        self.stage.somebody_else_orders(self._panel(pick))

    def provider_refund(self, pick: int, amount: str) -> None:
        self._did("provider_refund")
        self._panel(pick).books.adjust(Decimal(amount))

    def dump(self) -> None:
        if self.has_dump:
            return
        self._did("dump")
        self.has_dump = True
        self.stage.fresh.keep("dump")

    def restore_from_dump(self) -> None:
        if not self.has_dump or self.was_restored:
            return
        self._did("restore_from_dump")
        self.was_restored = True
        self.stage.restores()

    def thaw(self) -> None:
        if not self.was_restored:
            return
        self._did("thaw")
        thaw(self.stage)


_TASKS = {
    "orders.tasks.forward": tasks.forward,
    "orders.tasks.follow": tasks.follow,
    "orders.tasks.resolve": tasks.resolve,
    "orders.tasks.run_jobs": tasks.run_jobs,
}
