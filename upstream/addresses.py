"""Which hosts a provider may have. Nobody may use the shop to reach its own network."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

IPAddress = IPv4Address | IPv6Address

#: Carriers' networks behind their own translation, the relays of 6to4, and a host inside one cloud's network.
_NOT_PUBLIC = (ip_network("100.64.0.0/10"), ip_network("192.88.99.0/24"), ip_network("168.63.129.16/32"))
#: Translated to the IPv4 address in the last 32 bits: NAT64 (RFC 6052, RFC 8215) and SIIT (RFC 2765).
_WITH_IPV4 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("::ffff:0:0:0/96"))
#: Segment identifiers of an operator's own routers (RFC 9602).
_SEGMENTS = ip_network("5f00::/16")
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
        is_special = any(ip in network for network in _NOT_PUBLIC)
        return ip.is_global and not ip.is_multicast and not ip.is_reserved and not is_special
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and (any(ip in net for net in _WITH_IPV4) or int(ip) >> 32 == 0):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return address_is_public(inner)
    return ip.is_global and not ip.is_multicast and not ip.is_site_local and ip not in _SEGMENTS


def _may_be_public(host: str) -> bool:
    name = host.lower().rstrip(".")
    try:
        return address_is_public(name)
    except ValueError:
        pass  # Not an address in standard notation; it may still be one in a notation that resolvers accept.
    if _NUMERIC_HOST.fullmatch(name):
        return False
    return "." in name and not any(name == local or name.endswith("." + local) for local in _LOCAL_NAMES)
