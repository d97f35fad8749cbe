"""Finds the gateways: each folder next to this file that has a ``GATEWAY``."""

import importlib
import pkgutil
from functools import cache

from billing import gateways
from billing.gateways.contract import Gateway


class UnknownGateway(Exception):
    """A method names a gateway that this version of the shop does not have."""


@cache
def all_gateways() -> dict[str, Gateway]:
    """Return every gateway by name. A folder's name is its gateway's."""
    found: dict[str, Gateway] = {}
    for module in pkgutil.iter_modules(gateways.__path__):
        if module.ispkg:
            gateway: Gateway = importlib.import_module(f"{gateways.__name__}.{module.name}").GATEWAY
            if gateway.spec.name != module.name:
                raise ValueError(f"the gateway in {module.name}/ calls itself {gateway.spec.name}")
            found[module.name] = gateway
    return found


def gateway_named(name: str) -> Gateway:
    """Return the gateway of this name. Raises UnknownGateway."""
    if name not in all_gateways():
        raise UnknownGateway(name)
    return all_gateways()[name]
