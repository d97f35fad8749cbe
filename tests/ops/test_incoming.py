"""The shop at its WSGI door: bodies and their encodings, whatever a client makes of them."""

import io
import json
import pkgutil
import time
from collections.abc import Iterator
from encodings import __path__ as codec_folders
from typing import Any

import pytest
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from storefront.incoming import MOST_PARTS, bounded_type, received

pytestmark = pytest.mark.django_db
#: Not that of storefront.wsgi, which asks the database when it is imported.
application = received(get_wsgi_application())
FORM = "application/x-www-form-urlencoded"
LARGE = 2_000_000
CODECS = sorted(module.name for module in pkgutil.iter_modules(codec_folders))
#: What a decoder with quadratic time takes longest for.
SLOW_TEXT = b"aaaaaaaaaa-" + b"b" * LARGE


def send(body: bytes, kind: str, path: str = "/api/v2", query: str = "", method: str = "POST") -> tuple[str, bytes]:
    """Return status and body of the answer, which has to come in a moment."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    statuses: list[str] = []
    began = time.process_time()
    answer = b"".join(application(environ, lambda status, _headers: statuses.append(status)))
    assert time.process_time() - began < 5, (kind, path)
    return statuses[0], answer


def part(field: bytes, value: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="' + field + b'"\r\n\r\n' + value + b"\r\n"


@pytest.mark.parametrize("path", ["/api/v2", "/accounts/login/", "/admin/login/", "/nowhere"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x; charset=punycode", part(b"key", SLOW_TEXT) + b"--x--\r\n"),
        ("multipart/form-data; charset*=utf-8''punycode; boundary=x", part(b"key", SLOW_TEXT) + b"--x--\r\n"),
        (f"{FORM}; charset=punycode", b"key=" + SLOW_TEXT),
        ("application/json; charset=punycode", b'{"key": "' + SLOW_TEXT + b'"}'),
        ("application/json", b'{"key": ' + b"9" * LARGE + b"}"),
        ("application/json", b'{"key": 1.' + b"9" * LARGE + b"e9}"),
        ("application/json", b'{"key": ' + b"[" * LARGE),
        ("application/json", b'{"key": [' + b"1," * (LARGE // 2) + b"1]}"),
        (FORM, b"key=" + b"%E2%80%AE" * (LARGE // 9)),
        (FORM, b"&" * LARGE),
        (FORM, b"orders[]=1&" * (LARGE // 11)),
        ("multipart/form-data; boundary=x", b"--x\r\n" * (LARGE // 5)),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; filename=a\r\n\r\n" * 40_000),
        ("multipart/form-data; boundary=x", part(b'a"' + b";" * 900, b"") * MOST_PARTS + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", part(b"a\"; name*=punycode''" + SLOW_TEXT[:900], b"") * MOST_PARTS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_two_megabytes_are_answered_at_once_whatever_they_claim_to_be(path: str, kind: str, body: bytes) -> None:
    status, _answer = send(body, kind, path)
    assert status[:3] in {"200", "302", "400", "403", "404", "413"}


@pytest.fixture(autouse=True)
def kept_connection(settings: Any) -> Iterator[None]:
    """Keep the test's own database session, as Django's test client does, and limit no wrong key."""
    settings.API_RATE_PER_MINUTE = 0
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


def test_no_charset_of_a_client_is_used() -> None:
    form = b"key=caf%C3%A9&action=balance"
    for charset in [*CODECS, "", "\x00", "no-such-charset", "utf-8'", "a" * 5000, '"', "UTF-8"]:
        for kind in (f"{FORM}; charset={charset}", f'{FORM};charset="{charset}"', f"{FORM}; charset*={charset}''x"):
            assert json.loads(send(form, kind)[1]) == {"error": "Invalid API key"}, kind
        kind = f"multipart/form-data; charset={charset}; boundary=x"
        assert json.loads(send(part(b"key", b"a") + b"--x--\r\n", kind)[1]) == {"error": "Invalid API key"}, kind
        status, page = send(b"", f"text/html; charset={charset}", "/", "q=caf%C3%A9", "GET")
        assert (status, "café".encode() in page) == ("200 OK", True), charset
        for header in (f"name*={charset}''key", f"name=key; filename*={charset}''a"):
            odd = f"--x\r\nContent-Disposition: form-data; {header}\r\n\r\na\r\n--x--\r\n".encode()
            assert send(odd, "multipart/form-data; boundary=x")[0] == "200 OK", header


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("Text/Plain; charset=hex", "text/plain"),
        ("multipart/form-data; Boundary=abc", 'multipart/form-data; boundary="abc"'),
        ('multipart/form-data; charset=hex; boundary="a b;c"; x=y', 'multipart/form-data; boundary="a b;c"'),
        ("multipart/form-data; boundary*=hex''abc", "multipart/form-data"),
        ("multipart/form-data; boundary=" + "a" * 5000, "multipart/form-data"),
        ("a" * 9000, "a" * 100),
    ],
)
def test_a_content_type_keeps_its_boundary_alone(given: str, kept: str) -> None:
    assert bounded_type(given) == kept


def test_a_file_that_is_too_large_is_refused_and_not_cut_off() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="sheet"; filename="a"\r\n\r\n' + b"1,2\n" * 700_000
    assert send(body, "multipart/form-data; boundary=x", "/admin/login/")[0] == "413 Content Too Large"
