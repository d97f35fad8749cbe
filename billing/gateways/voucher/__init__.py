"""Voucher codes that the owner sells elsewhere or gives away."""

from billing.gateways.voucher.gateway import VoucherGateway

GATEWAY = VoucherGateway()
