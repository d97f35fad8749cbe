"""Through whose hands payments go, for the page about privacy."""

from billing.gateways.registry import UnknownGateway, gateway_named
from billing.models import PaymentMethod

#: Gateways without a company: the shop's own bank account and server, its vouchers, and the demo.
_OURS = ("manual", "btcpay", "voucher", "demo")


def payment_companies() -> str:
    """Return the names of the payment companies that customers can pay through now, "" without any."""
    names: dict[str, None] = {}
    for method in PaymentMethod.objects.filter(is_on=True).exclude(gateway__in=_OURS).order_by("pk"):
        try:
            title = str(gateway_named(method.gateway).spec.title)
        except UnknownGateway:
            continue
        names[method.name if method.gateway == "signed" else title] = None
    return ", ".join(names)
