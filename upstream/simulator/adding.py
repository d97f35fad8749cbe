"""The checks of ``add``: the fields of the service's type and its limits. The errors are texts that panels use."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext

from upstream.simulator.books import Purchase
from upstream.simulator.catalog import SimulatedService
from upstream.simulator.type_rules import DELAYS, count_lines, value_of


class Rejected(Exception):
    """The provider does not take a request, for the reason in ``text``; ``status`` is the HTTP status of its answer."""

    def __init__(self, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


def check_add(
    fields: Mapping[str, str], service: SimulatedService | None, *, digest: str, minute: float, drip_children: bool
) -> Purchase:
    """Turn the fields of an ``add`` into a purchase, or raise Rejected. ``minute`` is a minute's length in seconds."""
    # 1. The service, the link and the fields of its type.
    if service is None:
        raise Rejected("Incorrect service ID")
    kept = {key: value for key, value in fields.items() if key not in ("key", "action")}
    link = fields.get("link", "").strip()
    if service.kind.has_link and (not link or len(link) > 2000 or any(char < " " for char in link)):
        raise Rejected("Incorrect link")
    for name in service.kind.needs:
        if name not in ("quantity", "link") and not value_of(fields, name):
            raise Rejected(f"Missing required parameter: {name}")
    if service.kind.counted_by == "posts":
        return _subscription(kept, service, digest=digest, minute=minute)

    # 2. The quantity and the runs of a drip-feed.
    quantity = _quantity(fields, service)
    runs, interval = 1, 0
    if fields.get("runs", "").strip():
        asked_runs, asked_interval = _whole(fields["runs"]), _whole(fields.get("interval", "0") or "0")
        if not service.kind.can_drip or service.dripfeed is False:
            raise Rejected("Dripfeed is not available for this service")
        if not asked_runs or asked_interval is None or asked_runs > 1000:
            raise Rejected("Incorrect dripfeed runs or interval")
        runs, interval = asked_runs, asked_interval

    # 3. What web traffic needs beyond that.
    if service.kind.name == "Web Traffic":
        if fields["device"] not in ("1", "2", "3", "4", "5") or fields["type_of_traffic"] not in ("1", "2", "3"):
            raise Rejected("Missing required parameter: device or type_of_traffic")
        wanted = {"1": "google_keyword", "2": "referring_url"}.get(fields["type_of_traffic"])
        if wanted and not value_of(fields, wanted):
            raise Rejected(f"Missing required parameter: {wanted}")
    return Purchase(
        service=service.id,
        link=link,
        quantity=quantity * runs,
        fields=kept,
        unit=unit_price(service),
        sha256=digest,
        kind="drip" if runs > 1 and drip_children else "plain",
        runs=runs,
        gap=interval * minute,
    )


def unit_price(service: SimulatedService) -> Decimal:
    """Return the price of one unit: a thousandth of the rate, or the whole rate where a package is sold."""
    if service.kind.per_package:
        return service.rate
    with localcontext() as context:
        context.prec = 80
        return service.rate / 1000


def _quantity(fields: Mapping[str, str], service: SimulatedService) -> int:
    counted_by = service.kind.counted_by
    if counted_by == "one":
        return 1
    quantity = (
        _whole(fields.get("quantity", "")) if counted_by == "quantity" else count_lines(fields.get(counted_by, ""))
    )
    if quantity is None:
        raise Rejected("Incorrect quantity")
    if quantity < service.low:
        raise Rejected(f"Quantity less than minimal {service.low}")
    if quantity > service.high:
        raise Rejected(f"Quantity more than maximum {service.high}")
    return quantity


def _subscription(kept: Mapping[str, str], service: SimulatedService, *, digest: str, minute: float) -> Purchase:
    low, high, delay = (_whole(kept[name]) for name in ("min", "max", "delay"))
    if low is None or high is None or not service.low <= low <= high <= service.high:
        raise Rejected("Incorrect quantity")
    if delay not in DELAYS:
        raise Rejected("Missing required parameter: delay")
    posts = (_whole(kept.get("posts", "")) or 0) + (_whole(kept.get("old_posts", "")) or 0) or 3
    return Purchase(
        service=service.id,
        link=kept["username"],
        quantity=min(posts, 100),
        fields=kept,
        unit=unit_price(service),
        sha256=digest,
        kind="subscription",
        runs=min(posts, 100),
        gap=(delay or 0) * minute + minute * 5,
    )


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
