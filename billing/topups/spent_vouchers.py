"""Vouchers that were redeemed in hours which a restore lost: the log says which, and they are marked as spent."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.models import Voucher, VoucherBatch
from core.staff_actions import Actor, record_staff_action

_VALUE = r'(?:[^ "]+|"(?:[^"\\]|\\.)*")'
_NUMBERS = r"batch=([0-9]{1,18}) serial=([0-9]{1,18}) topup=[0-9]{1,18}\Z"
#: The message that each redemption leaves in the log, by its logger; the second is that of older ones.
_MESSAGES = {
    "security": re.compile(rf"voucher_redeemed actor={_VALUE} address={_VALUE} request={_VALUE} {_NUMBERS}", re.ASCII),
    "billing.topups.vouchers": re.compile(rf"voucher redeemed: {_NUMBERS}", re.ASCII),
}
_TEXT = re.compile(r"INFO ([a-z.]+): (.*)\Z", re.ASCII)
_NAMES_ONE = re.compile(r"voucher.redeemed.{0,900}batch=[0-9]+ serial=[0-9]")


@dataclass
class Marked:
    """How many vouchers were marked now, were known as redeemed, and are in no batch of this database.

    ``unread`` counts lines that name a voucher and are not written by the shop like that.
    """

    new: int = 0
    known: int = 0
    unknown: int = 0
    unread: int = 0


def mark_spent(lines: Iterable[str], *, actor: Actor, now: datetime) -> Marked:
    """Mark every voucher that these lines of a log name; return what became of them. A repeat marks none anew.

    Only a line that is whole counts: its logger comes first, and what clients send stands in lines of other loggers.
    """
    named: dict[int, set[int]] = defaultdict(set)
    done = Marked()
    for line in lines:
        if (redeemed := _redeemed(line.rstrip("\r\n"))) is not None:
            named[redeemed[0]].add(redeemed[1])
        elif _NAMES_ONE.search(line):
            done.unread += 1
    for batch_id, serials in sorted(named.items()):
        with transaction.atomic():
            rows = Voucher.objects.filter(batch=batch_id, pk__in=serials)
            found = rows.count()
            marked = rows.filter(topup=None, spent_at=None).update(spent_at=now)
            done.new, done.known = done.new + marked, done.known + found - marked
            done.unknown += len(serials) - found
            if marked:
                batch = VoucherBatch.objects.get(pk=batch_id)
                record_staff_action(actor, "voucher.mark_spent", batch, after={"count": marked})
    return done


def _redeemed(line: str) -> tuple[int, int] | None:
    """The batch and the serial of a line, as JSON or as text; None if it is no line of a redemption."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return None
        logger, message = entry.get("logger"), entry.get("message")
    elif (text := _TEXT.match(line)) is not None:
        logger, message = text.groups()
    else:
        return None
    pattern = _MESSAGES.get(logger) if isinstance(logger, str) and isinstance(message, str) else None
    found = pattern.match(message) if pattern is not None else None
    return (int(found[1]), int(found[2])) if found is not None else None
