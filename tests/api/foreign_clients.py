"""How programs in the field write a call: the bytes they send, headers in their own order and spelling.

Each is one program or library as it is used against panels: PHP's curl class in the two ways it is copied, requests,
axios, fetch, Node's own http, Go, OkHttp, Java's own client, and a child panel of the SmartPanel family.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

FORM = "application/x-www-form-urlencoded"
type Fields = Mapping[str, str]


def _pairs(fields: Fields, write: Callable[[str], str]) -> bytes:
    return "&".join(f"{write(name)}={write(value)}" for name, value in fields.items()).encode()


def php(fields: Fields) -> bytes:
    """`http_build_query` and `urlencode`."""
    return _pairs(fields, lambda text: quote_plus(text, safe="-_.").replace("~", "%7E"))


def python(fields: Fields) -> bytes:
    return _pairs(fields, lambda text: quote_plus(text, safe="-_.~"))


def url_search_params(fields: Fields) -> bytes:
    """JavaScript's, which leaves the asterisk."""
    return _pairs(fields, lambda text: quote_plus(text, safe="-_.*").replace("~", "%7E"))


def go_values(fields: Fields) -> bytes:
    """Go's `url.Values.Encode`, which sorts the names."""
    return python(dict(sorted(fields.items())))


def okhttp_form(fields: Fields) -> bytes:
    """OkHttp's `FormBody`, which writes a blank as %20."""
    return _pairs(fields, lambda text: quote(text, safe="-_.*"))


def json_of_axios(fields: Fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def json_of_go(fields: Fields) -> bytes:
    """Go escapes what HTML could take for markup."""
    text = json.dumps(dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode()


def multipart(boundary: str, part_head: str) -> Callable[[Fields], bytes]:
    def write(fields: Fields) -> bytes:
        parts = [
            f"--{boundary}\r\n{part_head.format(name=name, length=len(value.encode()))}\r\n\r\n{value}\r\n"
            for name, value in fields.items()
        ]
        return ("".join(parts) + f"--{boundary}--\r\n").encode()

    return write


@dataclass(frozen=True)
class ForeignClient:
    """``head`` is the head of a request, ``write`` makes its body."""

    name: str
    head: str
    write: Callable[[Fields], bytes]
    is_chunked: bool = False

    def request(self, host: str, fields: Fields) -> bytes:
        """Return the bytes of one call."""
        body = self.write(fields)
        head = self.head.strip().replace("\n", "\r\n").format(host=host, length=len(body))
        if self.is_chunked:
            half = len(body) // 2
            chunks = [chunk for chunk in (body[:half], body[half:]) if chunk]
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
        return f"{head}\r\n\r\n".encode() + body


_CURL = "------------------------d74496d66958873e"
_UNDICI = "----formdata-undici-037446528312"
_OKHTTP = "3f3b6f4e-6d0e-4a52-9c2b-0f6a1d6f7a11"

CLIENTS = [
    ForeignClient(
        "PHP curl class",
        f"""
POST /api/v2 HTTP/1.1
Host: {{host}}
User-Agent: Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)
Accept: */*
Content-Length: {{length}}
Content-Type: {FORM}
""",
        php,
    ),
    ForeignClient(
        "PHP curl class with an array",
        f"""
POST /api/v2 HTTP/1.1
Host: {{host}}
User-Agent: Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)
Accept: */*
Content-Length: {{length}}
Expect: 100-continue
Content-Type: multipart/form-data; boundary={_CURL}
""",
        multipart(_CURL, 'Content-Disposition: form-data; name="{name}"'),
    ),
    ForeignClient(
        "Python requests",
        f"""
POST /api/v2 HTTP/1.1
Host: {{host}}
User-Agent: python-requests/2.32.3
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
Content-Length: {{length}}
Content-Type: {FORM}
""",
        python,
    ),
    ForeignClient(
        "axios with URLSearchParams",
        f"""
POST /api/v2 HTTP/1.1
Accept: application/json, text/plain, */*
Content-Type: {FORM};charset=utf-8
User-Agent: axios/1.7.7
Content-Length: {{length}}
Accept-Encoding: gzip, compress, deflate, br
Host: {{host}}
Connection: keep-alive
""",
        url_search_params,
    ),
    ForeignClient(
        "axios with an object",
        """
POST /api/v2 HTTP/1.1
Accept: application/json, text/plain, */*
Content-Type: application/json
User-Agent: axios/1.7.7
Content-Length: {length}
Accept-Encoding: gzip, compress, deflate, br
Host: {host}
Connection: keep-alive
""",
        json_of_axios,
    ),
    ForeignClient(
        "fetch of Node with FormData",
        f"""
POST /api/v2 HTTP/1.1
host: {{host}}
connection: keep-alive
content-type: multipart/form-data; boundary={_UNDICI}
accept: */*
accept-language: *
sec-fetch-mode: cors
user-agent: node
accept-encoding: gzip, deflate
content-length: {{length}}
""",
        multipart(_UNDICI, 'Content-Disposition: form-data; name="{name}"'),
    ),
    ForeignClient(
        "Node http",
        f"""
POST /api/v2 HTTP/1.1
Content-Type: {FORM}
Host: {{host}}
Connection: keep-alive
Transfer-Encoding: chunked
""",
        url_search_params,
        is_chunked=True,
    ),
    ForeignClient(
        "Go http.PostForm",
        f"""
POST /api/v2 HTTP/1.1
Host: {{host}}
User-Agent: Go-http-client/1.1
Content-Length: {{length}}
Content-Type: {FORM}
Accept-Encoding: gzip
""",
        go_values,
    ),
    ForeignClient(
        "Go with JSON",
        """
POST /api/v2/ HTTP/1.1
Host: {host}
User-Agent: Go-http-client/1.1
Content-Length: {length}
Content-Type: application/json; charset=UTF-8
Accept-Encoding: gzip
""",
        json_of_go,
    ),
    ForeignClient(
        "OkHttp FormBody",
        f"""
POST /api/v2 HTTP/1.1
Content-Type: {FORM}
Content-Length: {{length}}
Host: {{host}}
Connection: Keep-Alive
Accept-Encoding: gzip
User-Agent: okhttp/4.12.0
""",
        okhttp_form,
    ),
    ForeignClient(
        "OkHttp MultipartBody",
        f"""
POST /api/v2 HTTP/1.1
Content-Type: multipart/form-data; boundary={_OKHTTP}
Content-Length: {{length}}
Host: {{host}}
Connection: Keep-Alive
Accept-Encoding: gzip
User-Agent: okhttp/4.12.0
""",
        multipart(_OKHTTP, 'Content-Disposition: form-data; name="{name}"\r\nContent-Length: {length}'),
    ),
    ForeignClient(
        "Java HttpClient",
        f"""
POST /api/v2 HTTP/1.1
Connection: Upgrade, HTTP2-Settings
Content-Length: {{length}}
Host: {{host}}
HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA
Upgrade: h2c
User-Agent: Java-http-client/17.0.12
Content-Type: {FORM}
""",
        okhttp_form,
    ),
    ForeignClient(
        "SmartPanel",
        f"""
POST /api/v2 HTTP/1.1
Host: {{host}}
User-Agent: API (compatible; MSIE 5.01; Windows NT 5.0)
Accept: */*
Content-Length: {{length}}
Content-Type: {FORM}
""",
        php,
    ),
]
