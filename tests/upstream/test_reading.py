"""Rules of reading that no case file covers: ids with odd fields around them, numbers, error texts, encodings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from upstream.amounts import NotPlain, NumberOutOfRange, amount, whole
from upstream.body import read_body
from upstream.dialect import Dialect
from upstream.error_table import classify
from upstream.errors import ErrorClass, InDoubt, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import Ignored, InDoubtItem, ItemError, Missing, OrderStatus, RefusedItem
from upstream.read_add import read_add
from upstream.read_cancel import read_cancel
from upstream.read_refills import read_refill
from upstream.read_status import StatusReader
from upstream.states import ProviderOrderState

KEY = "s3cr3t/key+with=signs"
DIALECT = Dialect()
STATUS = StatusReader(DIALECT, "USD")


def exchange_with(
    body: str | bytes, http_status: int = 200, content_type: str = "application/json", **more: Any
) -> Exchange:
    return Exchange(
        action="x",
        url="https://panel.example/api/v2",
        request_fields={"link": f"https://example.com/?{KEY}"},
        send_calls=2,
        http_status=http_status,
        content_type=content_type,
        body=body.encode() if isinstance(body, str) else body,
        complete=more.pop("complete", True),
        secret=KEY,
        **more,
    )


def place(body: str, http_status: int = 200, dialect: Dialect = DIALECT) -> Any:
    return read_add(exchange_with(body, http_status), dialect)


class TestAdd:
    @pytest.mark.parametrize(
        ("body", "status", "candidates"),
        [
            ('{"order": 23501, "error": true}', 200, ("23501",)),
            ('{"order": 23501, "error": 1}', 200, ("23501",)),
            ('{"order": 23501, "errors": {"link": ["is odd"]}}', 200, ("23501",)),
            ('{"order": 23501, "status": "error", "message": "Bad link"}', 200, ("23501",)),
            ('{"error": "Bad link", "data": {"order": 23501}}', 200, ("23501",)),
            ('{"error": "Bad link", "order": [23501]}', 200, ("23501",)),
            ('{"error": "Bad link", "order": "<b>23501</b>"}', 200, ()),
            ('{"order": 23501, "order_id": 23502}', 200, ("23501", "23502")),
            ('{"order": 23501, "Order": 23501}', 200, ("23501",)),
            ('{"order": 23501, "message": "a", "message": "b"}', 200, ("23501",)),
            ('{"data": {"order": 23501, "order": 23502}}', 200, ("23501", "23502")),
            ('{"data": [{"order": 23501}]}', 200, ("23501",)),
            ('{"order": 23501}', 422, ("23501",)),
            ('{"order": 23501}', 302, ("23501",)),
            ('{"order": 23501}', 429, ("23501",)),
            ('{"error": "Bad link"}', 307, ()),
            ('{"error": "Service Unavailable"}', 503, ()),
            ('{"error": "Service Temporarily Unavailable"}', 503, ()),
            ('{"order": 23501.0}', 200, ("23501",)),
            ('{"order": "1e5"}', 200, ("100000",)),
            ('{"order": 1e99999999999999999999}', 200, ()),
            ('{"order": 00023501}', 200, ()),
            ('{"order": 23501,}', 200, ()),
            ("<b>Warning</b>: odd\n{\"order\": 23501}", 200, ("23501",)),
            ('<b>Warning</b>: x on line 3\n{"order": 1}{"error": "Bad link"}', 200, ("1",)),
            ('<b>Warning</b>: x on line 3\n<b>Parse error</b>: y on line 4\n{"order": 1}', 200, ("1",)),
            ('{"message": "Unauthenticated."}', 401, ()),
        ],
    )  # fmt: skip
    def test_in_doubt(self, body: str, status: int, candidates: tuple[str, ...]) -> None:
        with pytest.raises(InDoubt) as failed:
            place(body, status)
        assert failed.value.candidates == candidates

    @pytest.mark.parametrize(
        ("body", "status", "error_class"),
        [
            ('{"error": "Not enough funds on balance", "order": null}', 200, "not_enough_funds"),
            ('{"error": "Not enough funds on balance", "order": 0}', 200, "not_enough_funds"),
            ('{"error": "  INSUFFICIENT   Balance. "}', 500, "not_enough_funds"),
            ('{"data": {"error": "Bad link"}}', 200, "bad_link"),
            ('{"ERRORS": {"quantity": ["Quantity must be at least 50"]}}', 422, "bad_quantity"),
            ('{"error": "Incorrect order ID"}', 200, "other"),
            ('{"error": "Temporarily closed"}', 503, "maintenance"),
            ('<br />\n<b>Notice</b>: x in <b>/a</b> on line <b>3</b><br />\nPHP Warning:  y in /b on line 4\n'
             '{"error": "Incorrect link"}', 200, "bad_link"),
        ],
    )  # fmt: skip
    def test_refused(self, body: str, status: int, error_class: str) -> None:
        with pytest.raises(Refused) as failed:
            place(body, status)
        assert failed.value.error_class == error_class

    def test_an_incomplete_answer_is_a_doubt_whatever_it_says(self) -> None:
        for body in ('{"order": 23501}', '{"error": "Bad link"}', ""):
            for status in (200, 429):
                with pytest.raises(InDoubt):
                    read_add(exchange_with(body, status, complete=False), DIALECT)

    @pytest.mark.parametrize(
        "error",
        [
            '"The query was insert into orders values (' + "1, " * 1_000 + '): Deadlock found"',
            '["' + '", "'.join(["field"] * 30) + '", "SQLSTATE[40001]"]',
            '{"link": {"a": {"b": {"c": {"d": {"e": ["gone away"]}}}}, "f": "is odd"}}',
            '{"link": "timed out", "link": "is odd"}',
        ],
    )
    def test_a_server_fault_late_in_a_long_text_is_a_doubt(self, error: str) -> None:
        """The panel failed while it placed the order: that is no refusal, whatever was printed before."""
        with pytest.raises(InDoubt) as failed:
            place('{"error": ' + error + "}", 200)
        assert failed.value.error_class is ErrorClass.SERVER_FAULT
        assert len(failed.value.text) <= 500

    def test_error_texts_that_the_owner_has_mapped(self) -> None:
        dialect = Dialect(error_map={"Yetersiz bakiye.": "not_enough_funds", "kapali": "service_gone"})
        for text, error_class in (("yetersiz  bakiye", "not_enough_funds"), ("Servis kapali bugun", "service_gone")):
            with pytest.raises(Refused) as failed:
                place(f'{{"error": "{text}"}}', dialect=dialect)
            assert failed.value.error_class == error_class

    def test_the_key_is_in_no_text_and_no_evidence(self) -> None:
        echoed = KEY.replace("/", "\\/")
        with pytest.raises(Refused) as failed:
            place(f'{{"error": "No such key: {echoed}"}}')
        assert KEY not in failed.value.text
        exchange = exchange_with(f"{KEY} {echoed} s3cr3t%2Fkey%2Bwith%3Dsigns\x00", 200, "text/" + KEY)
        assert "s3cr3t" not in str(exchange.as_evidence())
        assert "\x00" not in exchange.as_evidence()["body"]
        assert KEY not in repr(exchange)

    def test_evidence_is_bounded(self) -> None:
        assert len(exchange_with("x" * 1_000_000).as_evidence()["body"]) == 64 * 1024


class TestStatus:
    def test_a_state_with_an_error_flag_is_ignored(self) -> None:
        body = '{"status": "Canceled", "error": true, "remains": "0", "charge": "0"}'
        assert isinstance(STATUS.one(exchange_with(body), "23501"), Ignored)

    def test_a_bare_failure_word_is_no_state_of_a_single_order(self) -> None:
        assert STATUS.one(exchange_with('{"status": "fail"}'), "23501") == Ignored("no_state", "fail")

    def test_a_canceled_state_under_an_http_error_is_not_trusted(self) -> None:
        body = '{"status": "Canceled", "charge": "0", "remains": "1000"}'
        for status in (400, 404, 500, 502):
            with pytest.raises(Unavailable):
                STATUS.one(exchange_with(body, status), "23501")
            with pytest.raises(Unavailable):
                STATUS.many(exchange_with(f'{{"1": {body}}}', status), ["1", "2"])

    def test_a_key_that_occurs_twice_in_an_order_is_ignored(self) -> None:
        body = '{"status": "Completed", "status": "Canceled", "remains": "1000"}'
        assert STATUS.one(exchange_with(body), "23501") == Ignored("conflicting_duplicates")
        assert STATUS.many(exchange_with(f'{{"1": {body}, "2": null}}'), ["1"]) == {
            "1": Ignored("conflicting_duplicates")
        }

    def test_one_order_under_two_spellings_of_its_id(self) -> None:
        done, gone = '{"status": "Completed"}', '{"status": "Canceled"}'
        assert STATUS.many(exchange_with(f'{{"1": {done}, "01": {gone}}}'), ["1"]) == {
            "1": Ignored("conflicting_duplicates")
        }
        same = STATUS.many(exchange_with(f'{{"1": {done}, "01": {done}}}'), ["1"])
        assert isinstance(same["1"], OrderStatus)

    def test_a_single_order_may_be_answered_in_the_shape_of_a_batch(self) -> None:
        for body in ('{"23501": {"status": "Pending"}}', '[{"order": "23501", "status": "Pending"}]'):
            item = STATUS.one(exchange_with(body), "23501")
            assert isinstance(item, OrderStatus)
            assert item.state is ProviderOrderState.PENDING

    def test_an_answer_of_another_shape(self) -> None:
        for body in ("null", '"text"', "5", '{"message": "hello"}', '[{"status": "Canceled"}]'):
            with pytest.raises(Unavailable):
                STATUS.many(exchange_with(body), ["1", "2"])

    def test_ids_with_letters_are_case_sensitive(self) -> None:
        found = STATUS.many(exchange_with('{"ord_A1": {"status": "Pending"}}'), ["ord_A1", "ord_a1"])
        assert isinstance(found["ord_A1"], OrderStatus)
        assert found["ord_a1"] == Missing()

    def test_states_that_the_owner_has_mapped(self) -> None:
        reader = StatusReader(Dialect(state_map={"Tamamlandı": "completed"}), "USD")
        item = reader.one(exchange_with('{"status": "TAMAMLANDI", "remains": 0}'), "23501")
        assert isinstance(item, Ignored)
        item = reader.one(exchange_with('{"status": " tamamlandı ", "remains": 0}'), "23501")
        assert isinstance(item, OrderStatus)
        assert item.state is ProviderOrderState.COMPLETED

    def test_an_error_of_an_item_inside_a_batch_keeps_its_own_class(self) -> None:
        found = STATUS.many(exchange_with('{"1": {"status": "error", "message": "Order not found"}}'), ["1"])
        assert found["1"] == ItemError(ErrorClass.UNKNOWN_ORDER, "Order not found")


class TestRefillsAndCancels:
    def test_an_id_together_with_an_error_is_a_doubt(self) -> None:
        with pytest.raises(InDoubt) as failed:
            read_refill(exchange_with('{"refill": 5, "error": "Order not eligible"}'), "23501", DIALECT)
        assert failed.value.candidates == ("5",)

    def test_a_refill_answered_as_a_row(self) -> None:
        assert read_refill(exchange_with('[{"order": 23501, "refill": 5}]'), "23501", DIALECT).refill_id == "5"
        with pytest.raises(InDoubt):
            read_refill(exchange_with('[{"order": 99, "refill": 5}]'), "23501", DIALECT)

    @pytest.mark.parametrize("given", ['{"id": "7", "status": "Pending"}', '{"message": "Refill was created"}'])
    def test_a_refill_answered_by_an_object_is_in_doubt(self, given: str) -> None:
        """Texts that name no error are no refusal, or the customer would ask for the refill a second time."""
        with pytest.raises(InDoubt):
            read_refill(exchange_with('{"refill": ' + given + "}"), "23501", DIALECT)
        row = '[{"order": 23501, "cancel": ' + given + "}]"
        assert isinstance(read_cancel(exchange_with(row), ["23501", "2"], DIALECT)["23501"], InDoubtItem)

    def test_a_batch_refused_as_a_whole(self) -> None:
        with pytest.raises(Refused):
            read_cancel(exchange_with('{"error": "Invalid action"}'), ["1", "2"], DIALECT)
        with pytest.raises(InDoubt):
            read_cancel(exchange_with("", 504), ["1", "2"], DIALECT)

    def test_a_success_without_an_id_counts_for_a_single_order_only(self) -> None:
        found = read_cancel(exchange_with('{"success": "Noted"}'), ["1", "2"], DIALECT)
        assert all(type(item).__name__ == "InDoubtItem" for item in found.values())

    def test_a_server_fault_for_one_order_is_a_doubt(self) -> None:
        body = '[{"order": 1, "error": "Internal error"}, {"order": 2, "error": "You cannot"}]'
        found = read_cancel(exchange_with(body), ["1", "2"], DIALECT)
        assert type(found["1"]).__name__ == "InDoubtItem"
        assert found["2"] == RefusedItem(ErrorClass.OTHER, "You cannot")


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("0.27819", "0.27819"), (" 8 ", "8"), ("+1.5", "1.5"), ("-3.20", "-3.20"), ("1.0E-5", "0.00001"),
            (Decimal("0.08011655652"), "0.08011655652"), (5, "5"), ("999999999999.9", "999999999999.9"),
            ("-0.000", "0"), ("0e500", "0"), ("0.000000000000000001", "1e-18"),
        ],
    )  # fmt: skip
    def test_amounts(self, value: Any, number: str) -> None:
        assert amount(value) == Decimal(number)

    @pytest.mark.parametrize(
        "value",
        ["0,90", "1,234.50", "$1", "1 USD", "NaN", "Infinity", "-inf", "", " ", None, True, False, [], {}, ".5", "5.",
         "1_000", "0x10", "١٢", "１２", "1e", "--1", "1e99999", Decimal("NaN"), Decimal("Infinity"), 1.5, "1" * 65],
    )  # fmt: skip
    def test_what_is_no_amount(self, value: Any) -> None:
        with pytest.raises(NotPlain):
            amount(value)

    @pytest.mark.parametrize("value", ["1e12", 10**12, "1e400", "-1e9999", Decimal("1e999999999"), "1e-19"])
    def test_amounts_out_of_range(self, value: Any) -> None:
        with pytest.raises(NumberOutOfRange):
            amount(value)

    @pytest.mark.parametrize(
        ("value", "number"), [("50.0", 50), ("1e4", 10_000), (Decimal("1.57E+2"), 157), ("-12", -12)]
    )
    def test_whole_numbers(self, value: Any, number: int) -> None:
        assert whole(value) == number

    @pytest.mark.parametrize("value", ["157.5", "1,157", "", None, True, "1e-5", Decimal("1e-999999999")])
    def test_what_is_no_whole_number(self, value: Any) -> None:
        with pytest.raises(NotPlain):
            whole(value)

    @pytest.mark.parametrize("value", [10**15, "1e15", "99999999999999999999", Decimal("1e999999999")])
    def test_whole_numbers_out_of_range(self, value: Any) -> None:
        with pytest.raises(NumberOutOfRange):
            whole(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (23501, "23501"), (" 023501 ", "23501"), ("ord_7Q2MZK4T9A", "ord_7Q2MZK4T9A"), ("9" * 20, "9" * 20),
            ("a1", "a1"), (0, None), ("0", None), ("000", None), (-1, None), ("-1", None), (True, None), (None, None),
            ("", None), ("success", None), ("1e5", None), ("1E5", None), ("23501.0", None), (Decimal("23501"), None),
            ("1" * 21, None), ("a1" * 33, None), ("<b>1</b>", None), ("١٢", None), ("a 1", None), ([], None),
        ],
    )  # fmt: skip
    def test_ids(self, value: Any, text: str | None) -> None:
        assert canonical_id(value) == text


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("ñ".encode("latin-1"), "text/html; charset=ISO-8859-1"),
            ("ñ".encode(), "text/html; charset=punycode"),
            ("ñ".encode(), 'text/html; charset="no-such-charset"'),
            (b"\xef\xbb\xbf" + "ñ".encode(), "text/html; charset=ISO-8859-1"),
        ],
    )
    def test_the_announced_charset_is_used_if_it_is_a_charset(self, body: bytes, content_type: str) -> None:
        whole_body = body.replace("ñ".encode(), '"ñ"'.encode()) if "ñ".encode() in body else b'"' + body + b'"'
        assert read_body(exchange_with(whole_body, content_type=content_type)).value == "ñ"

    @pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1', "{'a': 1}", '["\n"]', "", "[1] 2"])
    def test_what_is_no_json(self, text: str) -> None:
        assert read_body(exchange_with(text)).problem

    def test_numbers_are_exact(self) -> None:
        value = read_body(exchange_with('{"a": 0.1, "b": 0.24000000000000002, "c": 12345678901234567890123}')).value
        assert value == {"a": Decimal("0.1"), "b": Decimal("0.24000000000000002"), "c": 12345678901234567890123}


@pytest.mark.parametrize(
    ("text", "error_class"),
    [
        ("The api key field is required.", "invalid_key"), ("The action field is required", "unsupported"),
        ("The link field is required.", "bad_params"), ("Unauthorized", "invalid_key"),
        ("You are banned", "account_blocked"), ("Rate limit exceeded, try again", "rate_limited"),
        ("error.duplicate_order", "duplicate_link"), ("neworder.error.service_not_found", "service_gone"),
        ("error.invalid_link", "bad_link"), ("Service does not exist", "service_gone"),
        ("Quantity must to be multiple of 10", "bad_quantity"), ("MySQL server has gone away", "server_fault"),
        ("see neworder.error.link here", None), ("Geçersiz", None),
        ("It looks like this post is private. Make it public and try again", "bad_link"),
        ("Please try again later", "server_fault"), ("Something went wrong with the link, try again", "server_fault"),
        ("The channel is banned", "bad_link"), ("This account has been banned or does not exist", "bad_link"),
        ("Your account has been banned", "account_blocked"), ("Banned", None),
        ("API is Disable for this user or User Not Found! Contact the Support", "invalid_key"),
        ("Quantity less than maximum 1000", "bad_quantity"), ("Min quantity", "bad_quantity"),
        ("Order amount exceeds available funds!", "not_enough_funds"), ("Service ID does not exists", "service_gone"),
        ("This service is temporarily unavailable", "service_resting"), ("The service is paused", "service_resting"),
        ("This service is under maintenance", "maintenance"), ("Temporarily closed", "maintenance"),
    ],
)  # fmt: skip
def test_error_texts(text: str, error_class: str | None) -> None:
    assert classify([text], on_add=True, http_status=200, additions={}) == error_class


@pytest.mark.parametrize(
    ("owner_says", "text", "error_class"),
    [
        ({"The channel is banned": "account_blocked"}, "The channel is banned.", "account_blocked"),
        ({"private": "duplicate_link"}, "Your post is private, try again", "bad_link"),  # "try again" is longer
        ({"your post is private": "bad_quantity"}, "Your post is private, try again", "bad_quantity"),
        ({"error": "bad_link"}, "Internal error", "server_fault"),
        ({"hata": "maintenance"}, "Bir hata", "maintenance"),
    ],
)
def test_what_the_owner_says_wins_unless_our_words_are_longer(
    owner_says: dict[str, str], text: str, error_class: str
) -> None:
    assert classify([text], on_add=True, http_status=200, additions=owner_says) == error_class


@pytest.mark.parametrize("word", ["odd\\u0000", "Completed\\u0000", "\\ud800", "x" * 5000])
def test_a_state_fits_a_database_whatever_it_holds(word: str) -> None:
    body = f'{{"1": {{"status": "{word}", "currency": "U\\u0000SD", "charge": "1"}}, "2": {{"status": "Completed"}}}}'
    items = StatusReader(DIALECT, "USD").many(exchange_with(body), ["1", "2"])
    item = items["1"]
    assert isinstance(item, Ignored)
    raw = item.raw_state
    assert "\x00" not in raw
    assert len(raw.encode()) <= 500
    assert isinstance(items["2"], OrderStatus)
