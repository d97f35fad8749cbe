"""Finds the gateways: each folder next to this file that has a ``GATEWAY``.

One that needs a package which is not installed has ``NEEDS``, the name of that package, in its place.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from billing import gateways
from billing.gateways.contract import Gateway


class UnknownGateway(Exception):
    """A method names a gateway that this version of the shop does not have."""


@cache
def all_gateways() -> dict[str, Gateway]:
    """Return every gateway that works here, by name. A folder's name is its gateway's."""
    found: dict[str, Gateway] = {}
    for name, folder in _folders():
        gateway: Gateway | None = getattr(folder, "GATEWAY", None)
        if gateway is None:
            continue
        if gateway.spec.name != name:
            raise ValueError(f"the gateway in {name}/ calls itself {gateway.spec.name}")
        found[name] = gateway
    return found


def missing_packages() -> dict[str, str]:
    """Return the gateways that do not work here, by name, with the package that each of them needs."""
    return {name: folder.NEEDS for name, folder in _folders() if not hasattr(folder, "GATEWAY")}


def _folders() -> Iterator[tuple[str, ModuleType]]:
    for module in pkgutil.iter_modules(gateways.__path__):
        if module.ispkg:
            yield module.name, importlib.import_module(f"{gateways.__name__}.{module.name}")


def gateway_named(name: str) -> Gateway:
    """Return the gateway of this name. Raises UnknownGateway."""
    if name not in all_gateways():
        raise UnknownGateway(name)
    return all_gateways()[name]
