"""The owner's own gateway: a program that takes payments by any local method and speaks signed calls with the shop."""

from billing.gateways.signed.gateway import SignedGateway

GATEWAY = SignedGateway()
