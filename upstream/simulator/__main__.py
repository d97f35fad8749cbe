"""The command line of the simulated provider: ``python -m upstream.simulator``, no settings needed."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from upstream.simulator.catalog import Catalog
from upstream.simulator.certificates import make_contexts
from upstream.simulator.control import route
from upstream.simulator.core import Simulator
from upstream.simulator.demo_catalog import demo_catalog
from upstream.simulator.generator import generated_catalog
from upstream.simulator.server import ProviderServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options, for this command and for the shop's management command alike."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 takes a free one and prints it")
    parser.add_argument(
        "--control-port", type=int, help="a second port for /_sim, which no fault touches; 0 takes a free one"
    )
    parser.add_argument("--catalog", metavar="FILE", help="a JSON list of services, served as it is")
    parser.add_argument("--services", type=int, metavar="N", help="offer N invented services instead")
    parser.add_argument("--key", default="demo-key", help="the API key it accepts")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long an order takes")
    parser.add_argument("--balance", type=_amount, default=Decimal(10_000), help="the shop's money at this provider")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="milliseconds before each answer")
    parser.add_argument("--journal", metavar="FILE", help="append the record to this file and start from it")
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate of its own")
    parser.add_argument("--seed", type=int, default=1, help="draws of faults and invented services")
    parser.add_argument("--json", action="store_true", help="print the address as one JSON line")


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount") from None
    if not amount.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is no amount")
    return amount


def catalog_of(options: argparse.Namespace) -> Catalog:
    if options.catalog:
        return Catalog.from_file(options.catalog)
    return generated_catalog(options.services, options.seed) if options.services else demo_catalog()


def read_options(values: Mapping[str, object]) -> argparse.Namespace:
    """Return the options out of a larger set of them, such as a management command's."""
    return argparse.Namespace(**values)


def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM. Raise OSError where it cannot listen, ValueError for a catalog it cannot read."""
    asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    sim = Simulator(
        catalog_of(options),
        key=options.key,
        seed=options.seed,
        currency=options.currency,
        balance=options.balance,
        seconds=options.seconds,
        journal=options.journal,
    )
    contexts = make_contexts() if options.tls else None
    server = ProviderServer(sim, route=route, tls=contexts)
    server.settings.latency = {"": options.latency / 1000}
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    port, control_port = await server.start(options.host, options.port, options.control_port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"{'https' if options.tls else 'http'}://{host}:{port}/api/v2"
    if options.json:
        facts = {"url": url, "port": port, "control_port": control_port, "key": options.key}
        certificate = str(contexts.certificate) if contexts else ""
        print(json.dumps({**facts, "certificate": certificate}), flush=True)
    else:
        print(f"Simulated provider: {url} key {options.key}", flush=True)
    await ended.wait()
    await server.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m upstream.simulator", description=__doc__)
    add_arguments(parser)
    try:
        run(parser.parse_args(arguments))
    except (OSError, ValueError) as problem:
        print(f"simulated provider: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
