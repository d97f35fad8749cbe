"""The text of a mass order: what is an order, what belongs to it, and what is kept of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Refusal
from orders.mass.reading import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_LINES,
    NotATable,
    TooLong,
    corrected,
    joined,
    read_lines,
    table_to_text,
    text_of,
)


@pytest.mark.parametrize(
    "text",
    [
        "2104 | https://instagram.com/a | 1000",
        "2104|https://instagram.com/a|1000",
        "2104\thttps://instagram.com/a\t1000",
        "2104;https://instagram.com/a;1000",
        "  #2104 | https://instagram.com/a | 1000  \r\n",
        "٢١٠٤ | https://instagram.com/a | 1000",
        "service | link | quantity\n\n2104 | https://instagram.com/a | 1000",
    ],
)
def test_an_order_is_read_however_it_is_parted(text: str) -> None:
    [line] = read_lines(text)
    assert (line.service, line.given) == (2104, {"link": "https://instagram.com/a", "quantity": "1000"})


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("12;https://example.org/a|b;100", "https://example.org/a|b"),
        ("12\thttps://example.org/a|b;c\t100", "https://example.org/a|b;c"),
        ("12 | https://example.org/a;b | 100", "https://example.org/a;b"),
        ("#\t12\thttps://example.org/a\t100", "https://example.org/a"),
        ("12\t| https://example.org/a | 100", "https://example.org/a"),
    ],
)
def test_what_follows_the_number_parts_the_line(text: str, link: str) -> None:
    [line] = read_lines(text)
    assert (line.service, line.given) == (12, {"link": link, "quantity": "100"})
    [again] = read_lines(line.with_part("quantity", "7"))
    assert again.given == {"link": link, "quantity": "7"}


def test_a_comment_with_a_bar_is_a_comment() -> None:
    [line] = read_lines("12;https://example.org/a;Great | nice")
    assert line.given["quantity"] == "Great | nice"


_PIECES = st.sampled_from(
    ["|", ";", "\t", " ", "#", "\n", "\r\n", "\x1f", "\xa0", '"', "'", ",", "=", "12", "0", "٢", "9" * 18,
     "https://example.org/a", "a|b", "country=DE", "service", "link", "Great | nice"]
)  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=3), max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lines = read_lines(text)
    except Refusal:
        return
    for line in lines:
        assert line.text in text_of(lines)
        if line.service is not None:
            assert read_lines(line.with_part("quantity", "7"))[0].service == line.service


@given(st.binary(max_size=60) | st.lists(_PIECES, max_size=30).map("".join).map(str.encode))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        read_lines(table_to_text(content))
    except Refusal:
        return


def test_runs_an_interval_and_fields_by_name() -> None:
    [drip, named] = read_lines("1 | x.example | 100 | 10 | 60\n2 | y.example | 100 | country=DE | device = 5")
    assert drip.given == {"link": "x.example", "quantity": "100", "runs": "10", "interval": "60"}
    assert named.given == {"link": "y.example", "quantity": "100", "country": "DE", "device": "5"}


def test_a_list_ends_with_an_empty_line_or_the_next_order() -> None:
    text = "5 | a.example\nGreat\nLove | it\n\nnot an order\n5 | b.example\nNice\n6 | c.example | 10"
    lines = read_lines(text)
    assert [(line.number, line.service, line.items) for line in lines] == [
        (1, 5, ("Great", "Love | it")),
        (5, None, ()),
        (6, 5, ("Nice",)),
        (8, 6, ()),
    ]
    assert [line.items for line in read_lines(text_of(lines))] == [line.items for line in lines]


@pytest.mark.parametrize("text", ["", "\n\n", "   ", "\0", "service;link;quantity"])
def test_nothing_is_no_order(text: str) -> None:
    assert read_lines(text) == []


def test_what_the_database_cannot_store_is_gone() -> None:
    [line] = read_lines("1 | a\0b\ud800 | 5")
    assert "\0" not in line.text
    line.text.encode()


def test_too_much_is_refused() -> None:
    with pytest.raises(TooLong, match="10,001 orders"):
        read_lines("1|a|1\n" * (MOST_LINES + 1))
    with pytest.raises(TooLong, match="characters"):
        read_lines("1" * (MOST_CHARACTERS + 1))


def test_a_correction_finds_its_line() -> None:
    text = "1 | a | 5\n1 | b | 5\n1 | c | 5"
    assert corrected(text, [(2, "1 | b | 5", "1 | b | 50")]) == "1 | a | 5\n1 | b | 50\n1 | c | 5"
    assert corrected("new\n" + text, [(2, "1 | b | 5", "1 | b | 50")]).split("\n")[2] == "1 | b | 50"
    assert corrected(text, [(2, "1 | gone | 5", "1 | kept | 6")]).endswith("\n1 | kept | 6")
    assert corrected(text, [(2, "1 | b | 5", "")]) == "1 | a | 5\n1 | c | 5"
    assert corrected(text, [(2, "1 | b | 5", "1 | b | 5\r\n")]) == text


def test_what_is_no_order_stays_so_when_another_line_is_corrected_or_left_out() -> None:
    text = "1 | a | 5\n\nstray\n1 | b | 5\n\n1 | c | 5"
    right = [(1, ()), (None, ()), (1, ()), (1, ())]

    def read(text: str) -> list[tuple[int | None, tuple[str, ...]]]:
        return [(line.service, line.items) for line in read_lines(text)]

    assert read(text) == right
    for was, now in (("1 | a | 5", "1 | a | 50"), ("1 | c | 5", "1 | c | 50")):
        assert read(corrected(text, [(0, was, now)])) == right
    assert read(corrected(text, [(4, "1 | b | 5", "no order")])) == [right[0], right[1], right[1], right[3]]
    assert read(text_of(read_lines(text))) == right
    assert read(joined("1 | a | 5", table_to_text(b"x,y,z\n1,b,5\nx,y,z"))) == [*right[:3], right[1]]


def test_a_part_is_replaced_and_the_list_stays() -> None:
    [line] = read_lines("5;a.example\nGreat\nNice")
    assert line.with_part("quantity", "7") == "5 | a.example | 7\nGreat\nNice"


@pytest.mark.parametrize(
    "content",
    [
        b"service,link,quantity\n2104,https://instagram.com/a,1000\n",
        b"\xef\xbb\xbfservice;link;quantity\r\n2104;https://instagram.com/a;1000\r\n",
        b"2104\thttps://instagram.com/a\t1000",
        b"Quantity,Link,Service\n1000,https://instagram.com/a,2104\n",
        "service,link,quantity\n2104,https://instagram.com/a,1000\n".encode("utf-16"),
        b'2104,"https://instagram.com/a",1000,,\n\n,,\n',
    ],
)
def test_a_table_is_read(content: bytes) -> None:
    [line] = read_lines(table_to_text(content))
    assert (line.service, line.given["link"], line.given["quantity"]) == (2104, "https://instagram.com/a", "1000")


def test_a_cell_with_a_bar_stays_one_part() -> None:
    [line] = read_lines(table_to_text(b'service,link,quantity\n5,"https://example.org/a|b",7\n'))
    assert line.given == {"link": "https://example.org/a|b", "quantity": "7"}


def test_a_cell_with_lines_becomes_the_list() -> None:
    text = table_to_text(b'service,link,quantity,comments,country\n5,a.example,,"Great\nNice",DE\n6,b.example,7,,\n')
    first, second = read_lines(text)
    assert (first.items, first.given["country"]) == (("Great", "Nice"), "DE")
    assert (second.service, second.given["quantity"]) == (6, "7")


@pytest.mark.parametrize("content", [b"\xff\xfea", b"1," + b"\xff" * 3 + b"\x81", b"x" * (MOST_BYTES + 1)])
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(NotATable):
        table_to_text(content)
