"""What may happen in the machine, how often, and with what."""

import random
from collections.abc import Sequence
from typing import Any

from tests.battery import faults_played as played
from tests.battery.crashing import AT_JOBS, AT_MANY, AT_PLACEMENT, CRASHES, ELSEWHERE, PAUSES

PICK = range(1_000)
SECONDS = (1, 16, 31, 61, 95, 125, 190, 605, 700, 1900, 3700, 90_000)
MEANWHILE = ("a moment", "the lease ends", "the doubt settles", "a twin works", "the customer cancels", "parked")

#: How often, and with what.
OPERATIONS: dict[str, tuple[int, dict[str, Sequence[Any]]]] = {
    "send": (40, {"pick": PICK, "fault": played.ADD, "fate": played.FATES}),
    "place": (4, {"pick": PICK, "fate": played.FATES, "twice": (True, False)}),
    "place_many": (
        4,
        {
            "pick": PICK,
            "count": range(2, 6),
            "fate": played.FATES,
            "twice": (True, False),
            "point": [None, None, *AT_MANY],
        },
    ),
    "ask_many": (7, {"pick": PICK, "count": range(1, 8), "point": [None, *AT_JOBS], "stops": [False, False, True]}),
    "send_into_doubt": (8, {"pick": PICK, "fault": played.SHARP}),
    "send_honestly": (3, {"pick": PICK, "fate": played.FATES}),
    "claim": (3, {"pick": PICK}),
    "crash_at": (
        7,
        {"pick": PICK, "point": CRASHES, "fault": [None, None, *played.SHARP]},
    ),
    "crash_at_the_counter": (2, {"pick": PICK, "point": AT_PLACEMENT}),
    "pause_at": (9, {"pick": PICK, "point": PAUSES, "meanwhile": MEANWHILE}),
    "late_answer": (4, {"pick": PICK, "then": ["the lease ends", "the doubt settles"]}),
    "cancel": (6, {"pick": PICK, "fault": [None, *played.CANCEL]}),
    "refill": (
        14,
        {
            "pick": PICK,
            "fault": [None, *played.REFILL],
            "point": [None, None, *CRASHES],
        },
    ),
    "owner_decides": (10, {"pick": PICK, "is_right": [True, True, False], "refund": (True, False)}),
    "sweep": (5, {}),
    "work_alone": (5, {}),
    "resolve": (
        8,
        {"fault": [None, None, *played.SERVICES], "point": [None, *ELSEWHERE[3:]]},
    ),
    "poll": (
        14,
        {"fault": [None, *played.STATUS], "point": [None, None, *ELSEWHERE[:3]]},
    ),
    "reconcile": (6, {"fault": [None, *played.BALANCE]}),
    "ring": (4, {}),
    "drop_doorbells": (4, {}),
    "double_doorbells": (4, {}),
    "advance": (10, {"seconds": SECONDS}),
    "worker_clock": (4, {"seconds": [-86_400, -3_600, 0, 3_600, 86_400]}),
    "reprice": (4, {"pick": PICK, "factor": ["1", "1.05", "0.97"]}),
    "foreign_order": (4, {"pick": PICK}),
    "provider_refund": (4, {"pick": PICK, "amount": ["0.09134", "5", "-0.09134"]}),
    "top_up": (
        4,
        {
            "pick": PICK,
            "amount": ["1", "0.00001", "3.33333"],
            "how": ["once", "twice", "forged", "nonsense"],
        },
    ),
}


def drawn(number: int) -> tuple[str, dict[str, Any]]:
    """The step that a number stands for. Hypothesis likes some choices better than others; here all are alike."""
    chance = random.Random(f"step {number}")  # noqa: S311
    [name] = chance.choices(list(OPERATIONS), [weight for weight, _given in OPERATIONS.values()])
    return name, {what: chance.choice(values) for what, values in OPERATIONS[name][1].items()}


def disaster(number: int, length: int) -> dict[int, str]:
    """In six of ten stories the database is put back to an earlier moment: which steps dump, restore and thaw.

    Late among the ``length`` steps, since of what was lost less is known.
    """
    chance = random.Random(f"disaster {number}")  # noqa: S311
    if chance.random() > 0.6:
        return {}
    dump, restore, thaw = sorted(chance.sample(range(length // 4, length - 2), 3))
    return {dump: "dump", restore: "restore_from_dump", thaw: "thaw"}
