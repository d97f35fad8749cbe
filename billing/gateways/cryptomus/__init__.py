"""Cryptomus: coins, paid on its own page. Heleket is the same service under another name and host."""

from django.utils.translation import gettext_lazy as _

from billing.gateways.cryptomus.gateway import CryptomusGateway

GATEWAY = CryptomusGateway(
    "cryptomus",
    "Cryptomus",
    "https://api.cryptomus.com",
    _("Canada fined Cryptomus 176,960,190 Canadian dollars in October 2025. Read about it before you rely on it."),
)
