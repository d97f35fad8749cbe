"""New prices after a rule changed, compared with updating as many bare rows with known amounts."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

from bench.harness import Figure, seconds, take
from bench.stage import Stage
from upstream.simulator.running import running_simulator


def figures(stage: Stage, *, services: int, repeats: int) -> Iterator[Figure]:
    from catalog.pricing import Markup, price_from

    _sync_services(stage, services)
    markup = Markup(Decimal(30), Decimal("0.01"), Decimal(10), Decimal("0.002"), "ending", Decimal("0.99"))
    costs = [Decimal(n) / 7 for n in range(1, 5001)]
    took = seconds(lambda: [price_from(cost, markup, group_percent=Decimal(-5)) for cost in costs])
    figure = Figure(f"new prices of {services:,} services after a rule changed", "s")
    figure.notes["microseconds for one price"] = round(took / len(costs) * 1e6, 1)
    yield take(figure, _after_rule_change(services), _floor(stage, services), repeats=repeats)
    preview = Figure(f"preview of a rule for {services:,} services", "s")
    yield take(preview, _preview(services), _floor(stage, services), repeats=repeats)


def _sync_services(stage: Stage, services: int) -> None:
    from catalog.models import Provider
    from catalog.sync.run import sync_provider
    from core.clock import database_now

    stage.empty("catalog_provider", "catalog_category", "catalog_markuprule")
    with running_simulator(process=True, services=services) as panel:
        provider = Provider(name="Panel", url=panel.url, new_services="shown")
        provider.set_key(panel.key)
        provider.save()
        sync_provider(provider, now=database_now())
    stage.analyze("catalog_service")


def _after_rule_change(services: int) -> Callable[[], float]:
    from catalog.models import MarkupRule
    from catalog.prices.reprice import reprice_all
    from core.clock import database_now

    percents = count(40)

    def run() -> float:
        MarkupRule.objects.update_or_create(name="Bench", defaults={"percent": Decimal(next(percents))})
        now = database_now()
        changed: list[int] = []
        took = seconds(lambda: changed.append(reprice_all(now=now)))
        assert changed[0] > services / 2, changed
        return took

    return run


def _preview(services: int) -> Callable[[], float]:
    from catalog.models import MarkupRule
    from catalog.prices.preview import preview

    def run() -> float:
        candidate = MarkupRule.objects.get()
        candidate.percent = Decimal(97)
        found: list[int] = []
        took = seconds(lambda: found.append(preview(candidate).changed))
        assert found[0] > services / 2, found
        return took

    return run


def _floor(stage: Stage, services: int) -> Callable[[], float]:
    """Return a function that gives bare rows new prices and returns the seconds it took."""
    import secrets

    connection = stage.connect(stage.database(f"prices_{secrets.token_hex(4)}"))
    connection.execute("CREATE TABLE floor (id bigint PRIMARY KEY, price numeric(20, 5))")
    connection.execute("INSERT INTO floor SELECT n, n FROM generate_series(1, %s) AS n", [services])
    connection.commit()
    steps = count(1)
    ids = list(range(1, services + 1))

    def update(amounts: list[Decimal]) -> None:
        connection.execute(
            "UPDATE floor SET price = new.price FROM unnest(%s::bigint[], %s::numeric[]) AS new (id, price)"
            " WHERE floor.id = new.id",
            [ids, amounts],
        )
        connection.commit()

    def run() -> float:
        step = next(steps)
        amounts = [Decimal(n) / 1000 + step for n in ids]
        return seconds(lambda: update(amounts))

    return run
