"""NOWPayments: some 300 coins. The customer pays on a page of ours, to an address that NOWPayments makes."""

from billing.gateways.nowpayments.gateway import NowPaymentsGateway

GATEWAY = NowPaymentsGateway()
