"""Which hosts a provider may have. Nobody may use the shop to reach its own network."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

IPAddress = IPv4Address | IPv6Address

_CARRIER_SHARED = ip_network("100.64.0.0/10")
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")


def check_url(url: str, allow_private: bool) -> None:
    """Raise ValueError, with a sentence for the owner, for a provider URL that cannot or must not be called.

    The addresses of a name are checked again at each connection, because they may change.
    """
    if url != url.strip() or any(ord(char) < 33 or ord(char) == 127 for char in url):
        raise ValueError("The URL must not contain spaces or control characters.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise ValueError("The URL cannot be read.") from problem
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("The URL must begin with http:// or https://.")
    if "@" in parts.netloc or "\\" in url:
        raise ValueError("The URL must not contain a user name, a password or a backslash.")
    if not host or port == 0:
        raise ValueError("The URL must name a host.")
    if parts.fragment:
        raise ValueError("The URL must not contain a fragment (#).")
    if not allow_private and not _may_be_public(host):
        raise ValueError("The URL points to a private or local address, which this shop does not allow.")


def address_is_public(address: str | IPAddress) -> bool:
    """True if an IP address belongs to the public internet; an IPv4 address inside an IPv6 one counts as itself."""
    ip = ip_address(address.split("%")[0]) if isinstance(address, str) else address
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _CARRIER_SHARED
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and (any(ip in net for net in _NAT64) or int(ip) >> 32 == 0):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return address_is_public(inner)
    return ip.is_global and not ip.is_multicast and not ip.is_site_local


def _may_be_public(host: str) -> bool:
    name = host.lower().rstrip(".")
    try:
        return address_is_public(name)
    except ValueError:
        pass  # Not an address in standard notation; it may still be one in a notation that resolvers accept.
    if _NUMERIC_HOST.fullmatch(name):
        return False
    return "." in name and not any(name == local or name.endswith("." + local) for local in _LOCAL_NAMES)
