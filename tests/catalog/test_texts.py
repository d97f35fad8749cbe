"""Descriptions as providers write them, read as they were meant, and safe."""

from time import process_time

import pytest

from catalog.texts import NAME_LIMIT, description_html, readable


@pytest.mark.parametrize(
    ("listed", "shown"),
    [
        ("<h3>Start: instant</h3><h3>Refill: 30 days</h3>", "Start: instant<br>Refill: 30 days"),
        ("<div>Fast</div>\n<div>No <b>drop</b></div>", "Fast<br>No <b>drop</b>"),
        ("<table><tr><td>Start</td><td>1 h</td></tr></table>", "Start  1 h"),
        ("Link format: <channel>/<post>", "Link format: &lt;channel&gt;/&lt;post&gt;"),
        ("<your link> <b>here</b>", "&lt;your link&gt; <b>here</b>"),
        ("speed < 5K and > 1K", "speed &lt; 5K and &gt; 1K"),
        ("one\ntwo", "one<br>\ntwo"),
        ("&lt;b&gt;Fast&lt;/b&gt; &amp;amp; safe&lt;br&gt;now", "<b>Fast</b> &amp; safe<br>now"),
        ("&lt;b&gt;Fast&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;", "<b>Fast</b>"),
        ("&lt;channel&gt; of <b>yours</b>", "&lt;channel&gt; of <b>yours</b>"),
        ("<script>alert(1)</script>x", "x"),
        ("<svg/onload=alert(1)>", ""),
        ("<channel onclick=alert(1)>x", "x"),
        ("<h1 onclick=alert(1)>x</h1><iframe src=//x></iframe>", "x"),
    ],
)
def test_a_description_is_shown_as_it_was_meant(listed: str, shown: str) -> None:
    assert description_html(listed) == shown


def test_no_text_of_a_provider_takes_long() -> None:
    """An expression that read a run again from each of its characters took seconds for one of these."""
    pieces = (
        " ",
        "\n",
        "<br>",
        "<br> ",
        "<div ",
        "<td>",
        "<a",
        "<b",
        "&#",
        "&lt;b ",
        "< ",
        "</",
        "<b/",
        "a ",
        "\u200b",
    )
    texts = [f"<div>{piece * (9_900 // len(piece))}x" for piece in pieces]
    began = process_time()
    for text in [*texts, *(f"<div>{number}{' ' * 9_900}x" for number in range(10))]:
        description_html(text)
        readable(text, NAME_LIMIT)
    # It takes about a tenth of a second.
    assert process_time() - began < 5
