"""A provider and a shop in a few hundred lines, with nothing of the product in them but the bracket and its planning.

Orders arrive, some answers are lost, and of those some were carried out. The machine knows the truth; the bracket sees
only what a provider would tell. A wrong verdict is one that the truth denies.
"""

import bisect
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from orders.doubt import bracket, planning
from orders.doubt.missing_charges import names_charge
from orders.doubt.picture import (
    AskOwner,
    Parent,
    Picture,
    PriceReading,
    ProvenNotPlaced,
    ProvenPlaced,
    SearchPass,
    SeenId,
    Standing,
    Times,
    UncertainAttempt,
)
from orders.states import Explanation, Shape
from tests.battery.bracket_cast import FOREVER, Own, Profile, Send, Tally, quantity_of

TICK = 30.0
RATES_EVERY = 180.0


class Machine:
    """Run with :meth:`until_doubts`; the counts are in ``tally``."""

    def __init__(self, profile: Profile, seed: int = 1) -> None:
        self.profile = profile
        self.random = random.Random(f"{profile.name}/{seed}")  # noqa: S311
        self.times = Times(settle=profile.settle)
        self.unit = Decimal(1).scaleb(-profile.places)
        self.tally = Tally()
        self.now = 0.0
        self.key = itertools.count(1)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.tie = itertools.count()
        self.issued = 0
        self.truth: dict[int, Own] = {}
        self.order: list[int] = []  # every own id, ascending
        self.seen: dict[int, SeenId] = {}
        self.strange: dict[int, SeenId] = {}  # those of them that are not explained
        self.top = 0  # the greatest id known to be ours
        self.sent_of: list[tuple[float, int]] = []  # when the send of an attached id began
        self.open: dict[int, Send] = {}
        self.parents: dict[int, tuple[Send, Own, float]] = {}
        self.passes: list[SearchPass] = []
        self.drip_shapes = frozenset({Shape.DRIP, Shape.PLAIN})
        self.rates_at = -FOREVER
        self.scanned_to = 0
        self.free_lanes = profile.lanes
        self.backlog: list[Send | None] = []
        self.no_more = False
        self.cheap = [Decimal("0.90000"), Decimal("1.37500"), Decimal("2.25000")]

    # Time.

    def at(self, when: float, operation: Callable[[], None]) -> None:
        heapq.heappush(self.events, (when, next(self.tie), operation))

    def until_doubts(self, number: int) -> Tally:
        self.at(0.0, self._arrive)
        self.at(TICK, self._tick)
        self.at(self.profile.scan_every, self._scan)
        if self.profile.foreign_gap:
            self.at(self.random.expovariate(1 / self.profile.foreign_gap), self._foreign)
        while self.events:
            when, _, operation = heapq.heappop(self.events)
            self.now = when
            if self.tally.doubts >= number and not self.no_more:
                self.no_more = True  # no further doubts; the shop goes on selling, which supplies the upper ends
            if self.no_more and not any(s.standing in DOUBTFUL for s in self.open.values()):
                break
            operation()
        return self.tally

    # The provider.

    def _issue(self, charge: Decimal, shape: Shape, runs: int | None, quantity: int) -> Own:
        self.issued += 1
        number = 1000 + int(self.now * self.profile.others) + self.issued
        own = Own(number, self.now, charge, shape, runs, quantity=quantity)
        if self.random.random() < self.profile.partial:
            own.ends_at = self.now + self.random.uniform(60, 900)
        self._draw_life(own)
        self.truth[number] = own
        self.order.append(number)
        if shape is Shape.DRIP and runs:
            gap = self.random.uniform(60, 600)
            for run in range(runs):
                self.at(self.now + 2 + gap * run, lambda: self._run(own))
        return own

    def _draw_life(self, own: Own) -> None:
        """How long it lives and when its charge is named; drawn only in profiles that have such orders."""
        if self.profile.life[0] < FOREVER:
            own.done_at = own.at + self.random.uniform(*self.profile.life)
            own.is_canceled = self._strikes(self.profile.canceled)
        if self.profile.remains == "none":
            own.quantity = 0
        elif self.profile.remains == "wrong" and self._strikes(1 / 3):
            own.quantity = quantity_of(self._charge())
        if self.profile.uncharged and self._strikes(self.profile.uncharged):
            own.uncharged_as, own.charged_at = self.profile.uncharged_as, own.done_at
            if self.profile.charged_after is not None:
                own.charged_at = min(own.done_at, own.at + self.random.uniform(*self.profile.charged_after))

    def _run(self, parent: Own) -> None:
        assert parent.runs
        charge = parent.charge / parent.runs
        parent.children.append(self._issue(charge, Shape.PLAIN, None, parent.quantity // parent.runs))

    def _foreign(self) -> None:
        charge = self._charge()
        self._issue(charge, Shape.PLAIN, None, quantity_of(charge))
        self.at(self.now + self.random.expovariate(1 / self.profile.foreign_gap), self._foreign)

    def _ask(self, ranges: list[tuple[int, int]]) -> tuple[SearchPass, int]:
        """Ask for every unknown id in the ranges: what was seen first, and how many calls it took."""
        new, calls = set(), 0
        for low, high in ranges:
            inside = self.order[bisect.bisect_right(self.order, low) : bisect.bisect_left(self.order, high)]
            unknown = [number for number in inside if number not in self.seen]
            calls += -(-(high - low - 1 - len(inside) + len(unknown)) // 98)
            for number in unknown:
                if not self._strikes(self.profile.false_denial):
                    self._see(SeenId(number, self.now, self.truth[number].answer(self.now, self.unit)))
                    new.add(number)
        return SearchPass(len(self.passes), self.now, self.now + calls, tuple(ranges), frozenset(new)), calls

    def _see(self, own: SeenId) -> None:
        if own.number not in self.seen:
            self.top = max(self.top, own.number)
        self.seen[own.number] = own
        if own.explained in (Explanation.ATTEMPT, Explanation.CHILD):
            self.strange.pop(own.number, None)
        else:
            self.strange[own.number] = own

    # The shop.

    def _charge(self) -> Decimal:
        if self.random.random() < self.profile.three_prices:
            return self.random.choice(self.cheap)
        return Decimal(self.random.randrange(10_000, 9_000_000)).scaleb(-5)

    def _arrive(self) -> None:
        self._dispatch(None)
        self.at(self.now + self.random.expovariate(1 / self.profile.gap), self._arrive)

    def _dispatch(self, again: Send | None) -> None:
        if not self.free_lanes:
            self.backlog.append(again)
            return
        self.free_lanes -= 1
        expected = again.listed if again else self._charge()
        charge, shape, runs = expected, Shape.PLAIN, None
        if again:
            shape, runs = again.shape, again.runs
        elif self.random.random() < self.profile.drip:
            shape, runs = Shape.DRIP, self.random.randint(2, 5)
        if not again and (shape is Shape.PLAIN or self.profile.drip_plain) and self._strikes(self.profile.repriced):
            charge = (expected * self.random.choice([Decimal("1.05"), Decimal("1.2"), Decimal("0.9")])).quantize(
                Decimal("0.00001")
            )
        low = self.top or None
        is_unlisted = charge != expected and self.profile.unlisted and self._strikes(self.profile.unlisted)
        listed = expected if is_unlisted else charge
        send = Send(next(self.key), self.now, expected, charge, listed, shape, runs, low)
        send.quantity = again.quantity if again else quantity_of(expected)
        self.open[send.key] = send
        took = self.random.uniform(0.2, 0.8)
        lost = not self.no_more and self.random.random() < self.profile.ambiguous
        send.is_carried_out = not lost or self._strikes(self.profile.placed)
        if not lost:
            self.at(self.now + took / 2, lambda: self._carry_out(send))
            self.at(self.now + took, lambda: self._answered(send))
            return
        if send.is_carried_out:
            late = self.random.uniform(*self.profile.late_seconds) if self._strikes(self.profile.late) else took / 2
            self.at(self.now + late, lambda: self._carry_out(send))
        self.at(self.now + took, lambda: self._doubt(send))

    def _strikes(self, share: float) -> bool:
        return self.random.random() < share

    def _carry_out(self, send: Send) -> None:
        shown = (Shape.PLAIN, None) if self.profile.drip_plain else (send.shape, send.runs)
        send.number = self._issue(send.charge, *shown, send.quantity).number

    def _free(self) -> None:
        self.free_lanes += 1
        if self.backlog:
            self._dispatch(self.backlog.pop(0))

    def _answered(self, send: Send) -> None:
        self._attach(send)
        self._free()

    def _doubt(self, send: Send) -> None:
        send.standing = Standing.IN_DOUBT
        self.tally.doubts += 1
        self._free()

    def _attach(self, send: Send, number: int | None = None) -> None:
        number = send.number if number is None else number
        assert number is not None
        before = self.seen.get(number)
        first_seen, answer = (before.first_seen, before.answer) if before else (self.now, None)
        self._see(SeenId(number, first_seen, answer, Explanation.ATTEMPT))
        self.sent_of.append((send.sent_at, number))
        self.open.pop(send.key, None)
        own = self.truth[number]
        if own.shape is Shape.DRIP:
            self.parents[number] = (send, own, self.now)

    # The resolver.

    def _tick(self) -> None:
        self.at(self.now + TICK, self._tick)
        if not any(s.standing in DOUBTFUL for s in self.open.values()):
            self._forget()
            return
        self._poll_parents()
        picture = self.picture()
        ranges = planning.wanted(picture, self.top or None)
        if ranges:
            search, calls = self._ask(ranges)
            self.passes.append(search)
            self.tally.calls += calls
        self._ask_again()
        self._read_rates()
        for verdict in bracket.judge(self.picture()):
            match verdict:
                case ProvenPlaced(key, number):
                    self._found(self.open[key], number)
                case ProvenNotPlaced(key):
                    self._disproved(self.open[key])
                case AskOwner(key):
                    self._ask_owner(self.open[key])

    def _ask_again(self) -> None:
        """Ask again about ids with an unknown charge, as the shop does: one call, and the first charge counts."""
        numbers = planning.to_ask_again(self.picture())
        self.tally.calls += -(-len(numbers) // 98)
        self.tally.again += len(numbers)
        for number in numbers:
            own = replace(self.seen[number], asked_at=self.now)
            answer = self.truth[number].answer(self.now, self.unit)
            if names_charge(answer):
                own = replace(own, answer=answer)
            self._see(own)

    def picture(self) -> Picture:
        attempts = tuple(self._attempt(send) for send in self.open.values() if send.standing is not None)
        low = min((a.low for a in attempts if a.low is not None), default=0)
        ids = tuple(o for o in self.strange.values() if o.number > low)
        parents = [
            Parent(s.key, s.sent_at, s.expected / (s.runs or 1), s.expected / (s.runs or 1))
            for s in self.open.values()
            if s.shape is Shape.DRIP
        ]
        for number, (send, own, polled) in self.parents.items():
            run = own.charge / (own.runs or 1)
            parents.append(Parent(send.key, send.sent_at, run, run, number, polled))
        oldest = min((a.sent_at for a in attempts if a.is_open), default=self.now)
        self.passes = [p for p in self.passes if p.started >= oldest]
        waiting = min((s.sent_at for s in self.open.values() if s.high is None), default=self.now)
        self.sent_of = [pair for pair in self.sent_of if pair[0] >= waiting]
        return Picture(
            self.now,
            self.unit,
            ids,
            attempts,
            tuple(parents),
            tuple(self.passes),
            self.times,
            widest=20 * 98,
            drip_shapes=self.drip_shapes,
            remains_are_reliable=self.profile.remains == "reliable",
        )

    def _attempt(self, send: Send) -> UncertainAttempt:
        high = send.high
        if high is None and send.sent_at + self.times.settle <= self.now:
            settled = send.sent_at + self.times.settle
            send.high = high = min((number for sent, number in self.sent_of if sent >= settled), default=None)
        return UncertainAttempt(
            send.key, send.standing or Standing.SENDING, send.sent_at, send.low, high,
            send.expected, send.quantity, send.shape, send.runs, tuple(send.readings),
        )  # fmt: skip

    def _poll_parents(self) -> None:
        for number, (send, own, _polled) in list(self.parents.items()):
            for child in own.children:
                self.drip_shapes = frozenset({Shape.DRIP})
                if self._explained(child.number) is not Explanation.CHILD:
                    before = self.seen.get(child.number)
                    first, answer = (before.first_seen, before.answer) if before else (self.now, None)
                    self._see(SeenId(child.number, first, answer, Explanation.CHILD))
            self.parents[number] = (send, own, self.now)
            if len(own.children) == own.runs:
                del self.parents[number]

    def _explained(self, number: int) -> Explanation | None:
        return self.seen[number].explained if number in self.seen else None

    def _read_rates(self) -> None:
        is_new = any(own.first_seen > self.rates_at for own in self.strange.values())
        if not is_new or self.now - self.rates_at < RATES_EVERY:
            return
        self.rates_at = self.now
        for send in self.open.values():
            if send.readings and send.readings[-1].charge == send.listed:
                del send.readings[-1]  # as the shop does: what was read again is one reading
            send.readings.append(PriceReading(self.now, send.listed))

    def _found(self, send: Send, number: int) -> None:
        self._count(send)
        if send.number != number:
            self.tally.wrong_id += 1
        self._attach(send, number)

    def _disproved(self, send: Send) -> None:
        self._count(send)
        if send.is_carried_out:
            self.tally.doubled += 1
        del self.open[send.key]
        self._dispatch(send)

    def _count(self, send: Send) -> None:
        if send.asked:
            return
        self.tally.right += 1
        self.tally.minutes.append((self.now - send.sent_at) / 60)

    def _ask_owner(self, send: Send) -> None:
        if send.asked:
            return
        send.asked, send.standing = True, Standing.REVIEW
        self.tally.people += 1
        self.at(self.now + self.random.uniform(300, 3600), lambda: self._decide(send))

    def _decide(self, send: Send) -> None:
        if send.key not in self.open or send.standing is not Standing.REVIEW:
            return  # the evidence was faster
        if send.is_carried_out and send.number is None:
            self.at(self.now + 600, lambda: self._decide(send))
        elif send.number is not None and not self._strikes(self.profile.person_errs):
            if self._explained(send.number) is Explanation.ATTEMPT:
                del self.open[send.key]  # a wrong verdict gave its id away, and was counted
            else:
                self._attach(send)
        else:
            send.standing = Standing.SAID_NOT_PLACED
            if send.number is None:
                self.at(self.now + 86_400, lambda: void(self.open.pop(send.key, None)))
            self._dispatch(send)

    def _scan(self) -> None:
        """The daily scan: whatever nobody knows becomes an orphan row, which explains nothing."""
        self.at(self.now + self.profile.scan_every, self._scan)
        newest = self.top
        _search, calls = self._ask([(self.scanned_to, newest)])
        self.tally.calls += calls
        self.scanned_to = newest
        for own in list(self.strange.values()):
            self._see(replace(own, explained=Explanation.ORPHAN))

    def _forget(self) -> None:
        """Without an open doubt nothing of long ago matters; forgetting it keeps the machine quick."""
        self.sent_of = self.sent_of[-400:]
        self.passes.clear()


DOUBTFUL = (Standing.IN_DOUBT, Standing.REVIEW)


def void(_: object) -> None:
    return None
