"""A panel may echo our key in the spelling of any of its layers; none of them is kept or shown."""

import html
import json
from time import process_time
from urllib.parse import quote

import pytest

from upstream.body import read_body
from upstream.exchange import KEY_MARK, Exchange

KEY = "s3cr3t/k&y+w'th=\"sig<ns>\\é😀"


def exchange_with(body: str, secret: str = KEY) -> Exchange:
    return Exchange(
        action="balance",
        url="https://panel.example/api/v2",
        request_fields={},
        send_calls=2,
        http_status=200,
        content_type="application/json",
        body=body.encode(),
        complete=True,
        secret=secret,
    )


def each(form: str) -> str:
    """Return the key with every character written in the form, such as ``&#{};``."""
    return "".join(form.format(ord(character)) for character in KEY)


def in_utf_16(upper: bool) -> str:
    units = KEY.encode("utf-16-be")
    codes = (f"{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    return "".join("\\u" + (code.upper() if upper else code) for code in codes)


SPELLINGS = {
    "bare": KEY,
    "percent": quote(KEY, safe=""),
    "percent, lower case": quote(KEY, safe="").replace("%2F", "%2f").replace("%3D", "%3d").replace("%C3", "%c3"),
    "percent, every character": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "json": json.dumps(KEY)[1:-1],
    "json of php": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "json, not ascii": json.dumps(KEY, ensure_ascii=False)[1:-1],
    "json, hex": in_utf_16(upper=False),
    "json, hex in capitals": in_utf_16(upper=True),
    "json, slash as hex": json.dumps(KEY)[1:-1].replace("/", "\\u002f"),
    "json, slash as hex in capitals": json.dumps(KEY)[1:-1].replace("/", "\\u002F"),
    "html of python": html.escape(KEY),
    "html of php": html.escape(KEY).replace("&#x27;", "&#039;"),
    "html, decimal": each("&#{};"),
    "html, decimal with zeros": each("&#{:07};"),
    "html, hex": each("&#x{:x};"),
    "html, hex in capitals": each("&#X{:X};"),
    "html, named": html.escape(KEY).replace("&#x27;", "&apos;").replace("/", "&sol;").replace("+", "&plus;"),
    "json of html": json.dumps(html.escape(KEY))[1:-1].replace("/", "\\/"),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_the_key_is_kept(spelling: str) -> None:
    assert exchange_with(f"<p>No such key: {spelling}.</p>").as_evidence()["body"] == f"<p>No such key: {KEY_MARK}.</p>"


@pytest.mark.parametrize("name", ["json", "json of php", "json, hex", "json, hex in capitals", "json, slash as hex"])
def test_no_spelling_of_the_key_is_read(name: str) -> None:
    assert read_body(exchange_with(f'{{"error": "No such key: {SPELLINGS[name]}"}}')).value == {
        "error": f"No such key: {KEY_MARK}"
    }


def test_text_similar_to_the_key_stays() -> None:
    body = f"{KEY[:-1]} {KEY[1:]} s3cr3t%2e %zz \\u00 &#; &amp;"
    assert exchange_with(body).as_evidence()["body"] == body
    assert exchange_with("no key, nothing to hide", secret="").as_evidence()["body"] == "no key, nothing to hide"


def test_the_largest_answer_is_searched_quickly() -> None:
    """Bodies full of text that begins like the key: the work grows with the answer and no faster."""
    key = "f3a9" * 16
    for piece in ('{"service": 1, "name": "Followers"}, ', "&#000000", "%66%33", key[:-1], "\\u0066\\u00"):
        body = piece * (2 * 1024 * 1024 // len(piece))
        began = process_time()
        assert KEY_MARK not in exchange_with(body, key).without_key(body)
        assert process_time() - began < 4
