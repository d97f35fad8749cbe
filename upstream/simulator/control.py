"""The paths under /_sim: what a test reads of the record and how it steers faults, time and the provider's rules."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from upstream.simulator.catalog import Catalog
from upstream.simulator.http import ReceivedRequest
from upstream.simulator.late_charges import LateCharges
from upstream.simulator.page import human_page, stylesheet
from upstream.simulator.reply import Reply, error_reply, json_reply
from upstream.simulator.server import ProviderServer

#: What ``control`` sets, one of them or several at once.
SETTINGS = frozenset(
    ["faults", "every", "script", "calm", "capabilities", "balance", "latency_ms", "paused", "catalog", "rates"]
    + ["fates", "order_fates", "ids", "hold_add", "advance", "foreign", "foreign_rate", "currency", "seconds", "key"]
    + ["charge_places", "late_charges", "late_seconds", "request_id"]
)
#: What qualifies some of the settings: the actions and the seed of faults, the fault of ``every``, a fate's delay.
QUALIFIERS = frozenset(["actions", "seed", "fault", "after"])


def route(server: ProviderServer, request: ReceivedRequest) -> Reply:
    """Answer everything that is no API call."""
    path, _, query = request.path.partition("?")
    if path == "/_sim/redirect-target":
        # A client that follows redirects comes here: record what it has given away.
        seen = request.body + request.path.encode()
        leak = {"method": request.method, "body_bytes": len(request.body), "saw_key": server.sim.key.encode() in seen}
        server.sim.record.redirected.append(leak)
        server.sim.record.write({"event": "redirected", **leak})
        return json_reply({"order": int(server.sim.books.burn())})
    if request.method == "POST" and "origin" in request.headers:
        return error_reply("a page of another site may not steer the provider", 403)
    try:
        values = json.loads(request.body or b"{}") if request.method == "POST" else dict(parse_qsl(query))
        if not isinstance(values, dict):
            raise ValueError("a JSON object is wanted")
        match request.method, path:
            case "GET", "/":
                return human_page(server.sim)
            case "GET", "/style.css":
                return stylesheet()
            case "GET", "/_sim/healthz":
                return json_reply({"ok": True})
            case "GET", "/_sim/record":
                return json_reply(server.sim.facts(int(values.get("requests", 1000))))
            case "GET", "/_sim/held":
                return json_reply({"held": server.held_rows()})
            case "POST", "/_sim/control":
                return control(server, values)
            case "POST", "/_sim/hold":
                return control(server, {"hold_add": values.get("next", 1)})
            case "POST", "/_sim/release":
                return json_reply({"released": server.release(values.get("held"))})
    except (ValueError, TypeError, KeyError, InvalidOperation, OSError) as problem:
        return error_reply(f"{type(problem).__name__}: {problem}", 400)
    return error_reply("not found", 404)


def control(server: ProviderServer, values: dict[str, Any]) -> Reply:
    """Apply one or more settings; an unknown name changes nothing at all."""
    unknown = set(values) - SETTINGS - QUALIFIERS
    if unknown:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}")
    server.sim.books.tick(server.sim.now())
    for name in values:
        if name in SETTINGS:
            _apply(server, name, values)
    server.sim.books.tick(server.sim.now())
    return json_reply({"ok": True})


def _apply(server: ProviderServer, name: str, values: dict[str, Any]) -> None:
    """Apply one setting. Raise ValueError, TypeError, KeyError, InvalidOperation or OSError for a value it refuses."""
    sim, books, value, actions = server.sim, server.sim.books, values[name], values.get("actions")
    match name:
        case "faults":
            sim.plan.set_rates(value, actions, values.get("seed"))
        case "every":
            sim.plan.set_every(values["fault"] if value else "", int(value), actions)
        case "script":
            sim.plan.set_script(value, actions)
        case "calm":  # No faults any more and no fates that spoil answers; the orders' lives go on.
            sim.calm = bool(value)
            if value:
                sim.plan.clear()
        case "capabilities":
            if unknown := set(value) - set(sim.switches):
                raise ValueError(f"unknown capability {', '.join(sorted(unknown))}")
            sim.switches.update({switch: bool(is_on) for switch, is_on in value.items()})
        case "balance":
            books.adjust(Decimal(str(value)) - books.balance)
        case "latency_ms":  # Milliseconds for every action, or by action.
            by_action = value if isinstance(value, dict) else {"": value}
            server.settings.latency = {action: float(latency) / 1000 for action, latency in by_action.items()}
        case "paused" if value:
            server.settings.paused = True
        case "paused":
            server.resume()
        case "catalog":  # A list of rows, or the path of a file to serve as it is.
            sim.catalog = Catalog.from_file(value) if isinstance(value, str) else Catalog.from_rows(value)
        case "rates":
            sim.catalog = sim.catalog.repriced(value)
        case "fates":
            books.fates = [(fate, float(weight)) for fate, weight in value.items()]
        case "order_fates":
            for number, fate in value.items():
                books.refate(books.orders[number], fate, now=sim.now(), after=float(values.get("after", 0)))
        case "ids":
            if value not in ("growing", "random", "text"):
                raise ValueError("ids are growing, random or text")
            books.ids = value
        case "hold_add":
            server.settings.hold_add = int(value)
        case "advance":
            sim.clock_offset += float(value)
        case "foreign":  # Other customers place so many orders, now.
            books.burn(int(value))
        case "request_id":
            if value not in ("", "honoured", "ignored"):
                raise ValueError("request_id is honoured, ignored or empty")
            sim.request_id = value
        case "late_seconds":
            sim.late_seconds = (float(value[0]), float(value[1]))
        case "charge_places":
            sim.charge_places = None if value is None else int(value)
        case "late_charges":
            sim.late_charges = None if value is None else LateCharges(**value)
        case "foreign_rate" | "seconds":
            setattr(books, name, float(value))
        case "currency":
            books.currency = str(value)
        case "key":
            sim.key = str(value)
