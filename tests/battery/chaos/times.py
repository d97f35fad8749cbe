"""The shop's times divided by sixty and kept in proportion, so that ten minutes of settling are ten seconds.

BATTERY_SCALE divides by something else: a machine that is busy with other things needs a smaller one, or its own
slowness is all that the run is about.
"""

import os

SCALE = float(os.environ.get("BATTERY_SCALE", "60"))


def _scaled(seconds: float) -> str:
    return f"{seconds / SCALE:.4f}"


SETTLE, REVIEW, LEASE = 600 / SCALE, 1800 / SCALE, 90 / SCALE
#: Orders a second at one provider: one every 20 seconds of the shop's own time.
PACE = SCALE / 20

SCALED = {
    "FORWARD_DEADLINE_SECONDS": _scaled(30),
    "FORWARD_LEASE_SECONDS": _scaled(90),
    # Half as often as in proportion: two beats that sweep more often are half of what two cores can do.
    "SWEEP_SECONDS": _scaled(30),
    "POLL_SECONDS": _scaled(60),
    "POLL_CALLS_PER_MINUTE": f"{60 * SCALE:.0f}",
    "READ_DEADLINE_SECONDS": _scaled(120),
    "SYNC_DEADLINE_SECONDS": _scaled(300),
    "DOUBT_SETTLE_SECONDS": _scaled(600),
    "DOUBT_REVIEW_SECONDS": _scaled(1800),
    "PROBE_INTERVAL_SECONDS": _scaled(1),
    "PROBE_PASS_GAP_SECONDS": _scaled(60),
    "FAILED_GRACE_SECONDS": _scaled(1200),
    "REFILL_DOUBT_SECONDS": _scaled(86_400),
    "PATIENCE_SECONDS": _scaled(86_400),
    "DOUBT_REFUND_SECONDS": _scaled(86_400),
    "RECONCILE_SECONDS": _scaled(600),
    "API_RATE_PER_MINUTE": "1000000",
    "LOG_LEVEL": "WARNING",
    "LOG_FORMAT": "text",
}

#: Room for the main profile to meet every fault. It is not the one in which the shop's own verdicts are counted, so its
#: owner is asked sooner; and of two beats each sweeps a quarter as often as in proportion.
FIRE = {
    "BREAKER_DOUBTS": "60",
    "BREAKER_STREAK": "60",
    "BREAKER_COST": "1000000000",
    "DOUBT_REVIEW_SECONDS": _scaled(300),
    "SWEEP_SECONDS": _scaled(60),
}

#: The breaker as an operator who sets nothing gets it. Polls are what costs a scaled shop most and decides no doubt.
CALM = {"BREAKER_DOUBTS": "3", "BREAKER_STREAK": "5", "BREAKER_COST": "100", "POLL_SECONDS": _scaled(240)}

#: A repeat has to leave within the ten minutes that are ten seconds here, and the next one waits until its answer is
#: judged. So the sweep that finds both is as frequent as in proportion, and polls leave it the machine.
REPEATING = FIRE | {"SWEEP_SECONDS": SCALED["SWEEP_SECONDS"], "POLL_SECONDS": CALM["POLL_SECONDS"]}
