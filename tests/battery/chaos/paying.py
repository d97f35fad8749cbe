"""Customers pay in around a restore: at a gateway that remembers what the dump does not know, and with vouchers.

What is paid stays at the gateway, so the shop has to find it again and credit it once. A voucher redeemed since the
dump is unredeemed in it; only the shop's log still knows.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.test import RequestFactory

from accounts.models import User
from billing.models import Code, Document, TopUp, Transfer, Voucher
from billing.topups import looking, vouchers
from core.clock import database_now
from core.frozen import ShopFrozen
from core.staff_actions import shell_actor
from notices.models import Outbox
from storefront.logs import JsonFormatter
from tests.battery.chaos.cast import Cast
from tests.billing.topups.cast import DRIVERS, method, started
from tests.stack.running import until

#: Top-ups that are paid before the dump, between it and the restore, and while the shop is away for the restore.
BEFORE, SINCE, AWAY = 5, 10, 5
#: Vouchers that are redeemed before the dump, and after it.
REDEEMED, LOST = 5, 15
_LOG = logging.getLogger("security")


class Payers:
    """The top-ups and codes of one run. ``done`` counts what was tried, ``wrong`` what is not as it should be."""

    def __init__(self, cast: Cast, log: Path) -> None:
        self._customers, self._log = cast.customers, log
        by = method("signed", name="Own gateway", bonus_percent=Decimal(10))
        method("voucher", name="Voucher")
        _batch, self._codes = vouchers.make_batch(
            name="sold", amount=Decimal(5), count=REDEEMED + LOST, is_gift=False, good_until=None,
            actor=shell_actor(), now=database_now(),
        )  # fmt: skip
        self._topups = [started(self._customer(n), by) for n in range(BEFORE + SINCE + AWAY)]
        self.wrong: list[str] = []
        self._mails = 0
        self._handler = logging.FileHandler(log)
        self._handler.setFormatter(JsonFormatter())
        _LOG.addHandler(self._handler)
        _LOG.setLevel(logging.INFO)

    def before_the_dump(self) -> None:
        self._pay_and_look(self._topups[:BEFORE])
        self._redeem(range(REDEEMED))

    def since_the_dump(self) -> None:
        """What the restore takes out of the shop, and not out of the world."""
        self._pay_and_look(self._topups[BEFORE : BEFORE + SINCE])
        self._redeem(range(REDEEMED, REDEEMED + LOST))
        _LOG.removeHandler(self._handler)
        self._handler.close()

    def while_away(self) -> None:
        """Customers go on paying while there is no shop that could look. The mails of the dump were queued before."""
        self._mails = Outbox.objects.filter(is_news=True).count()
        # In the dump some are due only in minutes: they were looked at before it, and nobody had paid yet.
        TopUp.objects.update(next_look_at=database_now())
        for topup in self._topups[BEFORE + SINCE :]:
            DRIVERS["signed"].pays(topup)

    def while_frozen(self, limit: float) -> None:
        """Everything paid is found and credited; nothing else is done."""
        until(lambda: not self._not_credited(), limit, "every payment was found while the shop was frozen")
        self._demand("receipts while frozen", Document.objects.count(), BEFORE + REDEEMED)
        self._demand("bonuses while frozen", Transfer.objects.filter(code=Code.BONUS).count(), BEFORE)
        self._demand("mails while frozen", Outbox.objects.filter(is_news=True).count(), self._mails)
        for n in range(REDEEMED, REDEEMED + LOST):
            self._refused(n, ShopFrozen)

    def marked(self) -> str:
        """Mark the vouchers of the lost hours by the log, as docs/operations.md says, before the thaw."""
        out = StringIO()
        call_command("mark_vouchers", str(self._log), stdout=out)
        return out.getvalue()

    def after_the_thaw(self, limit: float) -> None:
        """Bonuses and receipts follow, once; no code of the lost hours works again."""
        everything = BEFORE + SINCE + AWAY
        until(lambda: Document.objects.count() >= everything + REDEEMED, limit, "receipts followed the thaw")
        for n in range(REDEEMED, REDEEMED + LOST):
            self._refused(n, vouchers.BadVoucher)
        self._demand("vouchers of the lost hours", Voucher.objects.filter(spent_at__isnull=False).count(), LOST)
        for code, found in (("topup", self._credits()), ("bonus", self._by_topup(Code.BONUS))):
            once = {topup.pk: 1 for topup in self._topups}
            self.wrong += [f"{code} of top-up {pk}: {found[pk]} times" for pk in once if found[pk] != 1]
        self._demand("receipts", Document.objects.count(), everything + REDEEMED)
        self._demand("top-ups", TopUp.objects.count(), everything + REDEEMED)

    def facts(self) -> dict[str, Any]:
        """What the gate reads."""
        return {"topups": len(self._topups), "vouchers": REDEEMED + LOST, "wrong": self.wrong}

    def _customer(self, n: int) -> User:
        return self._customers[n % len(self._customers)]

    def _pay_and_look(self, topups: Iterable[TopUp]) -> None:
        for topup in topups:
            DRIVERS["signed"].pays(topup)
            looking.look(topup.pk, cause="look", now=database_now())

    def _redeem(self, which: Iterable[int]) -> None:
        for n in which:
            vouchers.redeem(_request(n), customer=self._customer(n), code=self._codes[n], now=database_now())

    def _refused(self, n: int, expected: type[Exception]) -> None:
        try:
            vouchers.redeem(_request(n), customer=self._customer(n), code=self._codes[n], now=database_now())
        except expected:
            return
        self.wrong.append(f"voucher {n} was redeemed again")

    def _credits(self) -> Counter[int]:
        return self._by_topup(Code.TOPUP)

    def _not_credited(self) -> list[int]:
        credited = self._credits()
        return [topup.pk for topup in self._topups if not credited[topup.pk]]

    def _by_topup(self, code: str) -> Counter[int]:
        """How often each top-up moved money by this code."""
        rows = Transfer.objects.filter(code=code, reference__startswith="topup:").values_list("reference", flat=True)
        return Counter(int(reference.partition(":")[2]) for reference in rows)

    def _demand(self, what: str, found: int, wanted: int) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found}, not {wanted}")


def _request(n: int) -> Any:
    """A request from a network of its own, since wrong codes are counted by network."""
    return RequestFactory().post("/", REMOTE_ADDR=f"10.{n}.0.1")
