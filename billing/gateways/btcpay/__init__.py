"""BTCPay Server: Bitcoin and Lightning through a server of the owner's own, with nobody in between."""

from billing.gateways.btcpay.gateway import BtcPayGateway

GATEWAY = BtcPayGateway()
