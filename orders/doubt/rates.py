"""Reading a provider's rates again once an unknown id was seen: it may be an order of ours at a price that moved."""

from catalog.models import Provider
from catalog.providers.fetch import NoList, fetch_list
from core.clock import SteadyClock
from orders.doubt.evidence import may_own
from orders.doubt.intervals import rate_pause
from orders.models import UNEXPLAINED, ForwardAttempt, OwnId, RateReading


def read_if_needed(provider: Provider, *, clock: SteadyClock) -> bool:
    """Read the rates of the services in doubt if an unknown id was seen since they were last read; True if read."""
    newest = OwnId.objects.filter(provider=provider, explained__in=UNEXPLAINED).order_by("-first_seen_at").first()
    last = RateReading.objects.filter(provider=provider).order_by("-at").first()
    if newest is None or (last is not None and last.at >= newest.first_seen_at):
        return False
    now = clock.now()
    if last is not None and now - last.at < rate_pause():
        return False
    return read(provider, clock=clock)


def read(provider: Provider, *, clock: SteadyClock) -> bool:
    """Read and store the rates of the services in doubt; True if read. Not inside a transaction."""
    wanted = set(
        ForwardAttempt.objects.filter(may_own(), provider=provider).values_list("order__external_service_id", flat=True)
    )
    # Dated before the request: a price that moves while the list is on its way was not read.
    asked_at = clock.now()
    try:
        rows = {row.external_id: row.rate for row in fetch_list(provider).rows}
    except NoList:
        return False
    rates = {service: None if rows.get(service) is None else str(rows[service]) for service in sorted(wanted)}
    RateReading.objects.create(provider=provider, at=asked_at, rates=rates)
    return True
