"""The demo's gateway: a page of our own plays the bank, so that a visitor can try every end of a payment."""

from billing.gateways.demo.gateway import DemoGateway

GATEWAY = DemoGateway()
