"""A simulated provider for the demo and the tests: the same protocol, a scripted fate for each order, faults on demand.

``Simulator`` is the provider without sockets, ``running_simulator()`` the same behind a loopback port.
"""

from upstream.simulator.catalog import Catalog
from upstream.simulator.core import Simulator
from upstream.simulator.demo_catalog import demo_catalog
from upstream.simulator.generator import generated_catalog
from upstream.simulator.running import RunningSimulator, running_simulator

__all__ = ["Catalog", "RunningSimulator", "Simulator", "demo_catalog", "generated_catalog", "running_simulator"]
