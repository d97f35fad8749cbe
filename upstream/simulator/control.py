"""The paths under /_sim: what a test reads of the record and how it steers faults, time and the provider's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from upstream.simulator.catalog import Catalog
from upstream.simulator.http import Request
from upstream.simulator.page import human_page, stylesheet
from upstream.simulator.reply import Reply, error_reply, json_reply
from upstream.simulator.server import ProviderServer

Wish = dict[str, Any]


def route(server: ProviderServer, request: Request) -> Reply:
    """Answer everything that is no API call."""
    path, _, query = request.path.partition("?")
    if path == "/_sim/redirect-target":
        return _redirected(server, request)
    handler = _PATHS.get((request.method, path))
    if handler is None:
        return error_reply("not found", 404)
    if request.method == "POST" and "origin" in request.headers:
        return error_reply("a page of another site may not steer the provider", 403)
    try:
        wish = json.loads(request.body or b"{}") if request.method == "POST" else dict(parse_qsl(query))
        if not isinstance(wish, dict):
            raise ValueError("a JSON object is wanted")
        return handler(server, wish)
    except (ValueError, TypeError, KeyError, InvalidOperation, OSError) as problem:
        return error_reply(f"{type(problem).__name__}: {problem}", 400)


def _redirected(server: ProviderServer, request: Request) -> Reply:
    """Note what a client that follows redirects has given away."""
    seen = request.body + request.path.encode()
    note = {"method": request.method, "body_bytes": len(request.body), "saw_key": server.sim.key.encode() in seen}
    server.sim.record.redirected.append(note)
    server.sim.record.write({"event": "redirected", **note})
    return json_reply({"order": int(server.sim.books.burn())})


def control(server: ProviderServer, wish: Wish) -> Reply:
    """Apply one or more wishes; an unknown name changes nothing at all."""
    beside = {"actions", "seed", "fault", "after"}
    unknown = set(wish) - set(_WISHES) - beside
    if unknown:
        raise ValueError(f"unknown wish {', '.join(sorted(unknown))}")
    server.sim.books.tick(server.sim.now())
    for name, value in wish.items():
        if name in _WISHES:
            _WISHES[name](server, value, wish)
    server.sim.books.tick(server.sim.now())
    return json_reply({"ok": True})


def _faults(server: ProviderServer, shares: Any, wish: Wish) -> None:
    server.sim.plan.set_rates(shares, wish.get("actions"), wish.get("seed"))


def _every(server: ProviderServer, every: Any, wish: Wish) -> None:
    server.sim.plan.set_every(wish["fault"] if every else "", int(every), wish.get("actions"))


def _script(server: ProviderServer, names: Any, wish: Wish) -> None:
    server.sim.plan.set_script(names, wish.get("actions"))


def _calm(server: ProviderServer, value: Any, wish: Wish) -> None:
    """No faults any more, and no fate that spoils answers; the orders' lives go on."""
    server.sim.calm = bool(value)
    if value:
        server.sim.plan.clear()


def _capabilities(server: ProviderServer, switches: Any, wish: Wish) -> None:
    unknown = set(switches) - set(server.sim.switches)
    if unknown:
        raise ValueError(f"unknown capability {', '.join(sorted(unknown))}")
    server.sim.switches.update({name: bool(value) for name, value in switches.items()})


def _balance(server: ProviderServer, amount: Any, wish: Wish) -> None:
    server.sim.books.adjust(Decimal(str(amount)) - server.sim.books.balance)


def _latency(server: ProviderServer, value: Any, wish: Wish) -> None:
    """Milliseconds for every action, or by action."""
    shares = value if isinstance(value, dict) else {"": value}
    server.settings.latency = {action: float(milliseconds) / 1000 for action, milliseconds in shares.items()}


def _paused(server: ProviderServer, value: Any, wish: Wish) -> None:
    if value:
        server.settings.paused = True
    else:
        server.resume()


def _catalog(server: ProviderServer, value: Any, wish: Wish) -> None:
    """A list of rows, or the path of a file to serve as it is."""
    server.sim.catalog = Catalog.from_file(value) if isinstance(value, str) else Catalog.from_rows(value)


def _rates(server: ProviderServer, rates: Any, wish: Wish) -> None:
    server.sim.catalog = server.sim.catalog.repriced(rates)


def _order_fates(server: ProviderServer, fates: Any, wish: Wish) -> None:
    books, now = server.sim.books, server.sim.now()
    for number, fate in fates.items():
        books.refate(books.orders[number], fate, now=now, after=float(wish.get("after", 0)))


def _fates(server: ProviderServer, shares: Any, wish: Wish) -> None:
    server.sim.books.fates = [(fate, float(weight)) for fate, weight in shares.items()]


def _ids(server: ProviderServer, kind: Any, wish: Wish) -> None:
    if kind not in ("growing", "random", "text"):
        raise ValueError("ids are growing, random or text")
    server.sim.books.ids = kind


def _hold_add(server: ProviderServer, value: Any, wish: Wish) -> None:
    server.settings.hold_add = int(value)


def _advance(server: ProviderServer, seconds: Any, wish: Wish) -> None:
    server.sim.clock_offset += float(seconds)


def _foreign(server: ProviderServer, number: Any, wish: Wish) -> None:
    """Let other customers order so many times, now."""
    server.sim.books.burn(int(number))


def _set(where: Callable[[ProviderServer], Any], name: str, kind: Callable[[Any], Any]) -> Callable[..., None]:
    return lambda server, value, wish: setattr(where(server), name, None if value is None else kind(value))


def _books(server: ProviderServer) -> Any:
    return server.sim.books


def _sim(server: ProviderServer) -> Any:
    return server.sim


_WISHES: dict[str, Callable[[ProviderServer, Any, Wish], None]] = {
    "faults": _faults,
    "every": _every,
    "script": _script,
    "calm": _calm,
    "capabilities": _capabilities,
    "balance": _balance,
    "latency_ms": _latency,
    "paused": _paused,
    "catalog": _catalog,
    "rates": _rates,
    "fates": _fates,
    "order_fates": _order_fates,
    "ids": _ids,
    "hold_add": _hold_add,
    "advance": _advance,
    "foreign": _foreign,
    "foreign_rate": _set(_books, "foreign_rate", float),
    "currency": _set(_books, "currency", str),
    "seconds": _set(_books, "seconds", float),
    "key": _set(_sim, "key", str),
    "charge_places": _set(_sim, "charge_places", int),
    "late_seconds": _set(_sim, "late_seconds", lambda pair: (float(pair[0]), float(pair[1]))),
}


def _held(server: ProviderServer, wish: Wish) -> Reply:
    rows = [
        {"held": held.number, "link": held.link, "gone": held.connection.transport.is_closing()}
        for held in server.held.values()
    ]
    return json_reply({"held": rows})


_PATHS: dict[tuple[str, str], Callable[[ProviderServer, Wish], Reply]] = {
    ("GET", "/"): lambda server, wish: human_page(server.sim),
    ("GET", "/style.css"): lambda server, wish: stylesheet(),
    ("GET", "/_sim/healthz"): lambda server, wish: json_reply({"ok": True}),
    ("GET", "/_sim/record"): lambda server, wish: json_reply(server.sim.facts(int(wish.get("requests", 1000)))),
    ("GET", "/_sim/held"): _held,
    ("POST", "/_sim/control"): control,
    ("POST", "/_sim/hold"): lambda server, wish: control(server, {"hold_add": wish.get("next", 1)}),
    ("POST", "/_sim/release"): lambda server, wish: json_reply({"released": server.release(wish.get("held"))}),
}
