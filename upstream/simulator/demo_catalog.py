"""The price list of the demo: believable services on several platforms, every service type at least once."""

from pathlib import Path

from upstream.simulator.catalog import Catalog


def demo_catalog() -> Catalog:
    return Catalog.from_file(Path(__file__).with_name("demo_catalog.json"))
