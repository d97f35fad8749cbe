"""Who orders what, and which fault its send meets: drawn once from a seed, so that a run can be told again."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote

from upstream.simulator.faults import CLIENT_SIDE, FAULTS

#: Played while a connection stands and nothing is read: by rate, since a link can only come near them.
AT_THE_DOOR = ("rst_on_accept", "close_on_accept", "never_read")
#: They keep a lane busy until the deadline, so only one faulted send in twenty is of this kind.
SLOW = (
    "timeout_after_accept",
    "late_place",
    "drip_headers",
    "drip_body",
    "continue_forever",
    "r307_drip",
)
#: A provider that lies about whose order a number is breaks what no shop can find out by asking it; parts A and D
#: tell what becomes of that. What is placed after T_settle has a profile of its own in the bracket machine.
_ELSEWHERE = {"id_ours", "id_foreign", "late_beyond_settle", "never_moves", "bad_key", *CLIENT_SIDE, *AT_THE_DOOR}
_SIZES = {"gzip_bomb": "gzip_bomb:50000000", "big_body": "big_body:300000"}
#: Both halves of a gateway's word: the operation behind it is done, or it is not.
_BOTH = ("h500_p", "h502_html_p", "h504_np", "timeout_after_accept_np", "close_no_answer_np", "h200_empty_np")


def _of(*groups: str) -> list[str]:
    names = [name for name, fault in FAULTS.items() if fault.group in groups]
    return [_SIZES.get(name, name) for name in names if name not in _ELSEWHERE and not name.startswith("tls_")]


#: Money comes or goes at the provider while an order is placed.
MOVED_BALANCES = ("balance_drops", "refund_in_window")
#: What a send can meet, what can become of an order that was sent, and what strikes questions. Bodies and what
#: concerns the account come three times as often: part D meets every fault of the wire by itself.
_BODIES = (*_of("add body"), "repriced:1.05", "no_funds", *MOVED_BALANCES)
QUICK_FAULTS = (
    *(name for name in (*_of("answer lost", "size", "redirect", "http"), *_BOTH) if name not in SLOW),
    *(name for name in _BODIES for _ in range(3)),
)
LIVES = tuple(name for name, fault in FAULTS.items() if fault.group == "status" and fault.actions == frozenset(["add"]))
STATUS_FAULTS = tuple(
    name for name, fault in FAULTS.items() if fault.group == "status" and fault.actions == frozenset(["status"])
)
SERVICES_FAULTS = tuple(name for name, fault in FAULTS.items() if fault.group == "services")
BALANCE_FAULTS = ("balance_str", "balance_null", "balance_negative")

#: Of a doubt: the answer is lost, and half of the orders are placed.
DOUBTFUL = (
    "close_no_answer",
    "close_no_answer_np",
    "h504_p",
    "h504_np",
    "rst_no_answer",
    "rst_no_answer_np",
    "half_status",
    "h500_np",
    "short_body",
    "h502_html_np",
    "reset_mid_body",
    "h200_empty_np",
)

#: No order is of more units.
DEAREST = 23_000


@dataclass(frozen=True)
class PlannedOrder:
    """One order to come. ``fault`` is met by its first ``sends`` sends only."""

    number: int
    provider: int
    wallet: int
    quantity: int
    fault: str = ""
    by_http: bool = False
    sends: int = 1

    @property
    def is_faulted(self) -> bool:
        """Whether its send meets a fault; an odd life is none."""
        return bool(self.fault) and self.fault not in LIVES

    @property
    def link(self) -> str:
        fault = f"?fault={quote(f'{self.fault}*{self.sends}', safe=':*')}" if self.fault else ""
        return f"https://example.com/o/{self.number}{fault}"


def deal(
    number: int, *, providers: int, wallets: int, faulted: float, seed: int, by_http: float = 0.2
) -> list[PlannedOrder]:
    """``number`` orders, a share of them faulted; nine in ten of the others lead an odd life."""
    rng = random.Random(seed)  # noqa: S311
    lost = round(number * faulted)
    slow = lost // 20
    faults = _spread(SLOW, slow, rng) + _spread(QUICK_FAULTS, lost - slow, rng)
    faults += _spread(LIVES, (number - lost) * 9 // 10, rng)
    faults += [""] * (number - len(faults))
    rng.shuffle(faults)
    return [
        PlannedOrder(
            n, rng.randrange(providers), rng.randrange(wallets), _quantity(rng, n), fault, rng.random() < by_http
        )
        for n, fault in enumerate(faults)
    ]


def plain(providers: Sequence[int], *, wallets: int, seed: int) -> Iterator[PlannedOrder]:
    """Planned orders without end and without faults, the providers in turn; three in ten are of three usual sizes."""
    rng = random.Random(f"{seed}/{providers}")  # noqa: S311
    for number in count():
        # Numbers of several sales do not meet: an order's number names it in the shop.
        yield PlannedOrder(
            providers[0] * 1_000_000 + number,
            providers[number % len(providers)],
            rng.randrange(wallets),
            _quantity(rng, number),
        )


def trickle(number: int, *, providers: int, wallet: int) -> PlannedOrder:
    """One more order without any fault, as a shop goes on selling."""
    return PlannedOrder(number, number % providers, wallet, 500 + number % 50_000)


def _spread(names: Sequence[str], number: int, rng: random.Random) -> list[str]:
    """Each name as often as the others, or, where there are more of them than turns, some of them once."""
    mixed = rng.sample(names, len(names))
    return [mixed[n % len(mixed)] for n in range(number)]


def _quantity(rng: random.Random, number: int) -> int:
    """Three in ten are of three usual sizes, the others of a size of their own."""
    return rng.choice((1000, 1500, 2500)) if rng.random() < 0.3 else 3000 + (number * 37 + rng.randrange(37)) % 20_000
