"""Bodies of ``add`` that are almost, or not at all, the documented ``{"order": 23501}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from upstream.simulator.call import shown_id
from upstream.simulator.play import Play, Player
from upstream.simulator.reply import HTML_TYPE, Reply, dump, error_reply, json_reply

WARNING = b"<br />\n<b>Warning</b>:  Undefined variable $rate in <b>/panel/api.php</b> on line <b>87</b><br />\n"


def _shown(show: Callable[[int | str], Any]) -> Player:
    return lambda it: json_reply(show(it.order_id()))


def _bytes(show: Callable[[bytes], bytes], content_type: str = "application/json") -> Player:
    """Wrap the honest bytes; the id is asked for first, since without an accepted order there is nothing to wrap."""
    return lambda it: Reply(show(dump({"order": it.order_id()})), content_type=content_type)


def _literal(body: bytes) -> Player:
    def play(it: Play) -> Reply:
        if it.placed:
            it.answer()
        return Reply(body)

    return play


def _known(it: Play) -> Reply:
    return error_reply(it.argument or "Incorrect link")


def _unknown(it: Play) -> Reply:
    return error_reply(it.argument or "Zamówienie odrzucone przez operatora")


def _ours(it: Play) -> Reply:
    """Answer with the id of an order that this customer already has."""
    held = list(it.sim.books.orders)
    return json_reply({"order": shown_id(held[-1]) if held else it.order_id()})


def _two_ids(it: Play) -> Reply:
    number = it.order_id()
    return Reply(f'{{"order": {number}, "order": {it.sim.books.burn()}}}'.encode())


def _nan(it: Play) -> Reply:
    return Reply(f'{{"order": {it.order_id()}, "charge": NaN}}'.encode())


def _scientific(it: Play) -> Reply:
    text = str(it.order_id())
    return Reply(f'{{"order": {text[0]}.{text[1:] or "0"}e{len(text) - 1}}}'.encode())


BODY: dict[str, Player] = {
    "php_warning_json": _bytes(lambda body: WARNING + body, HTML_TYPE),
    "bom": _bytes(lambda body: b"\xef\xbb\xbf" + body),
    "trailing_garbage": _bytes(lambda body: body + b"\n<!-- 0.0213 s -->"),
    "dup_keys": _two_ids,
    "order_str": _shown(lambda number: {"order": str(number)}),
    "order_float": _bytes(lambda body: body.replace(b"}", b".0}")),
    "order_exp": _scientific,
    "order_bool": _literal(b'{"order": true}'),
    "order_null": _literal(b'{"order": null}'),
    "order_empty": _literal(b'{"order": ""}'),
    "order_negative": _shown(lambda number: {"order": f"-{number}" if isinstance(number, str) else -number}),
    "order_zero": _literal(b'{"order": 0}'),
    "order_40_digits": _literal(b'{"order": 1234567890123456789012345678901234567890}'),
    "order_list": _shown(lambda number: {"order": [number]}),
    "order_object": _shown(lambda number: {"order": {"id": number}}),
    "order_and_error": _shown(lambda number: {"order": number, "error": "Something went wrong"}),
    "error_empty": _literal(b'{"error": ""}'),
    "error_unknown": _unknown,
    "error_known": _known,
    "array_for_object": _shown(lambda number: [{"order": number}]),
    "id_ours": _ours,
    "id_foreign": lambda it: json_reply({"order": int(it.sim.books.burn())}),
    "latin1": _literal('{"error": "Código de servicio inválido"}'.encode("latin-1")),
    "nan": _nan,
    "deep_10000": _literal(b'{"order": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
}
