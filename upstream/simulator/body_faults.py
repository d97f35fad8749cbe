"""Bodies of ``add`` that are almost, or not at all, the documented ``{"order": 23501}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from upstream.simulator.call import shown_id
from upstream.simulator.play import Play, Player
from upstream.simulator.reply import HTML_TYPE, Reply, dump, error_reply, json_reply

WARNING = b"<br />\n<b>Warning</b>:  Undefined variable $rate in <b>/panel/api.php</b> on line <b>87</b><br />\n"


def _json_of_id(show: Callable[[int | str], Any]) -> Player:
    """Answer with the JSON of what ``show`` makes of the order's id."""
    return lambda play: json_reply(show(play.order_id()))


def _text_of_id(show: Callable[[int | str], str]) -> Player:
    """Answer with the text that ``show`` makes of the order's id, valid JSON or not."""
    return lambda play: Reply(show(play.order_id()).encode())


def _wrapped(change: Callable[[bytes], bytes], content_type: str = "application/json") -> Player:
    """Change the honest bytes; the id is asked for first, since without an accepted order there is nothing to wrap."""
    return lambda play: Reply(change(dump({"order": play.order_id()})), content_type=content_type)


def _literal(body: bytes) -> Player:
    """Answer with the same bytes each time."""

    def player(play: Play) -> Reply:
        if play.placed:
            play.answer()
        return Reply(body)

    return player


def _id_of_another_order(play: Play) -> Reply:
    """Answer with the id of an order that this customer already has."""
    held = list(play.provider.books.orders)
    return json_reply({"order": shown_id(held[-1]) if held else play.order_id()})


def _two_ids(play: Play) -> Reply:
    number = play.order_id()
    return Reply(f'{{"order": {number}, "order": {play.provider.books.burn()}}}'.encode())


def _scientific(number: int | str) -> str:
    text = str(number)
    return f'{{"order": {text[0]}.{text[1:] or "0"}e{len(text) - 1}}}'


BODY: dict[str, Player] = {
    "php_warning_json": _wrapped(lambda body: WARNING + body, HTML_TYPE),
    "bom": _wrapped(lambda body: b"\xef\xbb\xbf" + body),
    "trailing_garbage": _wrapped(lambda body: body + b"\n<!-- 0.0213 s -->"),
    "dup_keys": _two_ids,
    "order_str": _json_of_id(lambda number: {"order": str(number)}),
    "order_float": _wrapped(lambda body: body.replace(b"}", b".0}")),
    "order_exp": _text_of_id(_scientific),
    "order_bool": _literal(b'{"order": true}'),
    "order_null": _literal(b'{"order": null}'),
    "order_empty": _literal(b'{"order": ""}'),
    "order_negative": _json_of_id(lambda number: {"order": f"-{number}" if isinstance(number, str) else -number}),
    "order_zero": _literal(b'{"order": 0}'),
    "order_40_digits": _literal(b'{"order": 1234567890123456789012345678901234567890}'),
    "order_list": _json_of_id(lambda number: {"order": [number]}),
    "order_object": _json_of_id(lambda number: {"order": {"id": number}}),
    "order_and_error": _json_of_id(lambda number: {"order": number, "error": "Something went wrong"}),
    "error_empty": _literal(b'{"error": ""}'),
    "error_unknown": lambda play: error_reply(play.argument or "Zamówienie odrzucone przez operatora"),
    "error_known": lambda play: error_reply(play.argument or "Incorrect link"),
    "array_for_object": _json_of_id(lambda number: [{"order": number}]),
    "id_ours": _id_of_another_order,
    "id_foreign": lambda play: json_reply({"order": int(play.provider.books.burn())}),
    "latin1": _literal('{"error": "Código de servicio inválido"}'.encode("latin-1")),
    "nan": _text_of_id(lambda number: f'{{"order": {number}, "charge": NaN}}'),
    "deep_10000": _literal(b'{"order": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
}
