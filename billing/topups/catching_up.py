"""What a frozen shop left for later: the bonuses and receipts of top-ups that were credited meanwhile."""

from datetime import datetime

from django.db import transaction

from billing.models import CatchUp
from billing.topups.applying import THAW, apply
from core.clock import elapsed_clock
from core.frozen import shop_is_frozen
from notices.containment import contained


def catch_up(*, now: datetime, seconds: float) -> int:
    """Give what is left for later, for about so many seconds; return for how many top-ups. A frozen shop gives none."""
    if shop_is_frozen():
        return 0
    started, done = elapsed_clock(), 0
    for topup_id in CatchUp.objects.order_by("pk").values_list("pk", flat=True)[:1_000]:
        if elapsed_clock() - started > seconds:
            break
        with contained("catching up after a thaw"), transaction.atomic():
            apply(topup_id, None, cause=THAW, now=now)
            # A freeze that came meanwhile leaves its row.
            if not shop_is_frozen():
                done += CatchUp.objects.filter(pk=topup_id).delete()[0]
    return done
