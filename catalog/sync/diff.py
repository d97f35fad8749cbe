"""What differs between a provider's list and our rows: new, changed, moved, vanished and returned services."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from catalog.models import Provider
from catalog.quarantine import OTHER_PRODUCT, RATE_JUMP
from catalog.sync.reading import (
    ListedService,
    hold_fall,
    listed_service,
    quarantine_jump,
    quarantine_other_product,
)
from catalog.sync.same_product import Product
from upstream.messages import ListEntry

FIELDS = (
    "name", "type", "unit", "category", "rate", "min", "max", "description",
    "refill", "cancel", "dripfeed", "average_time", "quarantine",
)  # fmt: skip

#: Both limits must be exceeded before a list counts as cut off: short lists may lose a few services.
SHRINK_SHARE = Decimal("0.20")
SHRINK_COUNT = 10


class KnownRow(NamedTuple):
    digest: str
    position: int
    vanished: bool
    quarantined: bool
    jumped: bool


class ChangedRow(NamedTuple):
    """``old`` holds the former values of FIELDS; ``fields`` names those that differ."""

    new: ListedService
    old: dict[str, Any]
    fields: list[str]


@dataclass
class Difference:
    """``known`` counts the rows that had not vanished; ``moved`` maps ids to new positions in the list.

    ``is_first`` is true if this provider never had a row.
    """

    known: int = 0
    is_first: bool = False
    fresh: list[ListedService] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    standing_quarantine: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.fresh or self.changed or self.moved or self.returned or self.vanished)

    @property
    def takes_away_too_much(self) -> bool:
        return len(self.vanished) > SHRINK_COUNT and len(self.vanished) > self.known * SHRINK_SHARE

    @property
    def other_products(self) -> int:
        """How many rows became another product with this list."""
        marked = (any(r.startswith(OTHER_PRODUCT) for r in change.new.quarantine) for change in self.changed)
        return sum(marked)

    @property
    def quarantined(self) -> int:
        """How many rows of the list are in quarantine, including those that already were."""
        rows = [*self.fresh, *(change.new for change in self.changed)]
        return self.standing_quarantine + sum(bool(row.quarantine) for row in rows)


def compare(provider: Provider, entries: list[ListEntry], *, trusting: bool) -> Difference:
    """Compare a list with our rows and return what differs; only new and changed entries are parsed.

    ``trusting`` accepts rates that jumped, including those already in quarantine for it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, digest, position, vanished_at IS NOT NULL, quarantine <> '{}',"
            " quarantine <> '{}' AND array_to_string(quarantine, '|') LIKE %s"
            " FROM catalog_providerservice WHERE provider_id = %s",
            [f"{RATE_JUMP}:%", provider.pk],
        )
        known = {row[0]: KnownRow(*row[1:]) for row in cursor.fetchall()}
    found = Difference(known=sum(not k.vanished for k in known.values()), is_first=not known)
    differing: list[ListedService] = []
    for position, entry in enumerate(entries):
        external_id, digest = entry.external_id, entry.digest
        before = known.pop(external_id, None)
        if before is None:
            found.fresh.append(listed_service(entry.read(), position, digest))
            continue
        if before.vanished:
            found.returned.append(external_id)
        if before.digest != digest or (trusting and before.jumped):
            differing.append(listed_service(entry.read(), position, digest))
        else:
            found.standing_quarantine += before.quarantined
        if before.position != position:
            found.moved[external_id] = position
    found.vanished = [external_id for external_id, k in known.items() if not k.vanished]
    if differing:
        found.changed = _changes(provider, differing, trusting=trusting)
    return found


def _changes(provider: Provider, differing: list[ListedService], *, trusting: bool) -> list[ChangedRow]:
    """Each of ``differing`` with the row stored before, after the checks for rate jumps and held falls."""
    columns = ("external_id", "accepted_rate", "held_rate", "product_before", *FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM catalog_providerservice"  # noqa: S608 (names of our own columns)
            " WHERE provider_id = %s AND external_id = ANY(%s)",
            [provider.pk, [row.external_id for row in differing]],
        )
        before = {row[0]: dict(zip(columns, row, strict=True)) for row in cursor.fetchall()}
    changes = []
    for listed in differing:
        old = before[listed.external_id]
        sold = json.loads(old["product_before"]) if old["product_before"] else old
        if sold["unit"] == listed.unit:
            new = quarantine_jump(listed, old["accepted_rate"], trusting=trusting)
            new = hold_fall(new, old["accepted_rate"], old["held_rate"], holds_falls=provider.holds_falls)
        else:  # A rate per package cannot be compared with one per 1,000.
            new = listed._replace(accepted_rate=old["accepted_rate"])
        if old["accepted_rate"] is not None:
            product = Product(*(sold[name] for name in Product._fields))
            new = quarantine_other_product(new, product, old["accepted_rate"])
        changes.append(ChangedRow(new, old, [name for name in FIELDS if old[name] != getattr(new, name)]))
    return changes
