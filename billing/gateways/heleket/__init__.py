"""Heleket: coins, paid on its own page. It speaks as Cryptomus does, at a host of its own."""

from billing.gateways.cryptomus.gateway import CryptomusGateway

GATEWAY = CryptomusGateway("heleket", "Heleket", "https://api.heleket.com")
