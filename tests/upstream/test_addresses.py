"""Which hosts a provider may have: any on the public internet, and private ones only if the owner allows them."""

from __future__ import annotations

import pytest

from upstream.addresses import address_is_public, check_url

PRIVATE_HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0",
    "0.0.0.0",  # noqa: S104
    "127.0.0.1.", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "app.localhost", "db.local",
    "metadata.google.internal", "router.lan", "intranet", "postgres", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "192.168.0.0", "169.254.169.254", "169.254.0.1", "100.64.0.1",
    "100.127.255.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[100::1]",
    "[::ffff:0:127.0.0.1]", "[::ffff:0:a9fe:a9fe]", "[5f00::1]", "192.88.99.1", "168.63.129.16",
    "[::ffff:168.63.129.16]",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_spellings_of_private_hosts(host: str) -> None:
    with pytest.raises(ValueError, match="private or local"):
        check_url(f"https://{host}/api/v2", allow_private=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/api/v2", "http://simulator:8080/api", "https://[::1]/api"])
def test_private_hosts_are_accepted_if_allowed(url: str) -> None:
    check_url(url, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://panel.example.com/api/v2", "http://panel.example.com:8080/api.php?x=1", "https://93.184.215.14/api",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/api/v2", "https://1panel.example.com/api/v1",
        "https://пример.example/api",
    ],
)  # fmt: skip
def test_public_hosts(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "", "panel.example.com/api", "ftp://panel.example.com/", "file:///etc/passwd", "javascript:alert(1)",
        "gopher://panel.example.com/", "https://", "https:///api", "https://alice@panel.example.com/",
        "https://alice:secret@panel.example.com/", "https://panel.example.com\\@127.0.0.1/", "https://panel.example.com:0/",
        "https://panel.example.com:99999/", "https://panel.example.com/a b", "https://panel.example.com/\r\nX: y",
        "https://panel.example.com/#top", "https://[::1", " https://panel.example.com/",
    ],
)  # fmt: skip
def test_invalid_urls(url: str) -> None:
    with pytest.raises(ValueError, match=r"^The URL .*\.$"):
        check_url(url, allow_private=True)


@pytest.mark.parametrize(("address", "public"), [("93.184.215.14", True), ("fe80::1%eth0", False), ("10.1.2.3", False)])
def test_addresses_behind_a_name(address: str, public: bool) -> None:
    assert address_is_public(address) is public
