"""Frozen: orders are accepted and followed, and nothing leaves that could be sent a second time.

A database that was restored does not know what was sent after its dump. It is recognised by where it lives (cluster,
timeline, database, table) and by the mark outside it. The permit of every send asks the row and compares the place
anew, so that a freeze needs no message to any sender.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.documents.series import begin_anew
from core.clock import database_now, elapsed_clock
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.outbox import end_news
from orders import marks
from orders.models import Home, ShopState

#: The same question as a condition of another statement: true while nothing may leave.
FROZEN_SQL = "EXISTS (SELECT 1 FROM orders_shopstate f WHERE f.frozen_at IS NOT NULL OR f.home <> orders_home())"

#: True while rows may say less than what was done: put back from a dump, not compared with providers yet.
RESTORED_SQL = "EXISTS (SELECT 1 FROM orders_shopstate f WHERE f.is_restored OR f.home <> orders_home())"

_PARTS = (
    gettext_lazy("another cluster"),
    gettext_lazy("another timeline"),
    gettext_lazy("another database"),
    gettext_lazy("newly created tables"),
)

#: When this process checked last, by its own clock.
_checked: list[float] = []


def is_frozen() -> bool:
    """Return True while nothing may leave: one cheap query, for claims and pages."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {FROZEN_SQL}")  # noqa: S608 - a constant of this module
        frozen: bool = cursor.fetchone()[0]
    return frozen


def check(*, now: datetime) -> bool:
    """Compare the database with what it knew of itself and with the mark outside; return True if the shop is frozen.

    The first check of a new shop writes down where it lives. Must not run inside a transaction: it asks Redis.
    """
    state = ShopState.objects.annotate(here=Home()).filter(pk=1).first()
    if state is None:
        ShopState.objects.get_or_create(pk=1, defaults={"home": home()})
        state = ShopState.objects.annotate(here=Home()).get(pk=1)
    here = state.here
    # The mark first: whatever is marked was committed before, so the count that is read after it cannot be lower.
    marked = marks.read(state.shop)
    reached = marks.reached()
    why = _difference(state.home, here)
    if not why and reached < marked:
        why = _("the mark outside the database counts %(marked)d attempts, the database %(reached)d") % {
            "marked": marked,
            "reached": reached,
        }
    if why:
        freeze(why=why, now=now, is_restored=True, shop=state.shop)
        return True
    if state.frozen_at is not None:
        return True
    if here != state.home:
        ShopState.objects.filter(pk=1, home=state.home).update(home=here)
    if reached > marked:
        marks.write(state.shop, reached)
    return False


def check_now_and_then() -> None:
    """Check unless this process did so within a sweep's time: before its first send, but not at each doorbell."""
    if not _checked or elapsed_clock() - _checked[-1] > settings.SWEEP_SECONDS:
        check(now=database_now())
        _checked[:] = [elapsed_clock()]


def freeze(
    *, why: str, now: datetime, actor: str = "", is_restored: bool = False, shop: uuid.UUID | None = None
) -> bool:
    """Let nothing leave from now on; return False if the shop was frozen already.

    A restore outweighs a freeze by hand: a dump taken while the shop was frozen is a restored shop too. ``shop`` is the
    name under which it was checked: a check that a thaw overtook freezes nothing.
    """
    ShopState.objects.get_or_create(pk=1, defaults={"home": home()})
    with transaction.atomic():
        other = ShopState.objects.filter(pk=1)
        other = other.filter(is_restored=False) if is_restored else other.filter(frozen_at=None)
        if shop is not None:
            other = other.filter(shop=shop)
        if not other.update(frozen_at=now, why=why[:300], frozen_by=actor[:254], is_restored=is_restored):
            return False
        raise_alert(causes.FROZEN, now=now, why=why)
    return True


def unfreeze(*, now: datetime, actor: Actor, reason: str) -> None:
    """Let orders leave again; this database, as it is now, is the one that the shop knows.

    After a restore the shop gets a new name, so that no mark of the lost time, on any machine, freezes it again.
    """
    with transaction.atomic():
        state = ShopState.objects.select_for_update().get(pk=1)
        name = uuid.uuid4() if state.is_restored else state.shop
        if state.is_restored:
            begin_anew()
        ShopState.objects.filter(pk=1).update(
            shop=name,
            home=home(),
            frozen_at=None,
            is_restored=False,
            thawed_at=now,
            thawed_by=actor.name[:254],
            reason=reason[:300],
        )
        # What came back from a dump may have been mailed before, and what came since is no news any more.
        end_news(now=now)
        close_alert(causes.FROZEN, now=now, actor=actor.name)
        record_staff_action(actor, "shop.thaw", state, reason=reason)
    # Outside the transaction, since it waits for Redis; a crash before it only freezes the shop once more.
    marks.write(name, marks.reached())


def home() -> str:
    """Return where this database lives, as orders.models.Home describes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT orders_home()")
        place: str = cursor.fetchone()[0]
    return place


def _difference(known: str, here: str) -> str:
    """Say in which parts two homes differ; a part that one side could not learn does not count."""
    pairs = zip(_PARTS, known.split("/"), here.split("/"), strict=True)
    return ", ".join(str(part) for part, old, new in pairs if old and new and old != new)
