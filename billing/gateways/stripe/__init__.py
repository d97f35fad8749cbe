"""Stripe Checkout: cards and what else Stripe offers, on Stripe's own page. Needs Stripe's library."""

from importlib.util import find_spec

NEEDS = "stripe"

if find_spec(NEEDS) is not None:
    from billing.gateways.stripe.gateway import StripeGateway

    GATEWAY = StripeGateway()
