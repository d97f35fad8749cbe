"""Transfers that a person checks: to a bank account, a local wallet, anything with an account to look into."""

from billing.gateways.manual.gateway import ManualGateway

GATEWAY = ManualGateway()
