"""What an owner may write in Markdown, and what none of it can become."""

import re

import pytest

from pages.markdown import rendered
from pages.models import LONGEST

#: What HTML made of Markdown may consist of; no attribute but these, none without quotes.
_TAG = re.compile(
    r"</?(?:h[23]|p|br|hr|ul|ol|li|a|strong|em|code|pre|blockquote|img|table|thead|tbody|tr|th|td)"
    r'(?: (?:href="(?:https?:|mailto:|/|#|[\w.-]*")[^"<>]*"?|title="[^"<>]*"|rel="noopener"|src="/static/[^"<>]*"'
    r'|alt="[^"<>]*"|start="\d+"|scope="col"))*>'
)


def test_headings_lists_tables_and_links_are_written() -> None:
    html = rendered("# One\n## Two\n#### Four\n\n- **a** *b* `c`\n\n|x|y|\n|-|-|\n|1|2|\n\n[l](https://a.example/) > q")
    assert "<h2>One</h2>\n<h2>Two</h2>\n<h3>Four</h3>" in html
    assert "<li><strong>a</strong> <em>b</em> <code>c</code></li>" in html
    assert '<th scope="col">x</th>' in html
    assert '<a href="https://a.example/" rel="noopener">l</a>' in html


def test_pictures_are_the_shops_own() -> None:
    assert rendered("![sign](/static/mark.svg)") == '<p><img src="/static/mark.svg" alt="sign"></p>\n'
    for source in ("https://evil.example/x.png", "//evil.example/x", "/static/../wallet/", "data:image/png;base64,AA"):
        assert "<img" not in rendered(f"![sign]({source})")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>*{display:none}</style>",
        "<iframe src=https://evil.example></iframe>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java\nscript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](vbscript:x)",
        "<javascript:alert(1)>",
        "[a]\n\n[a]: javascript:alert(1)",
        '[a](https://a.example "\\" onmouseover=alert(1) x=\\"")',
        '[a](https://a.example/"onmouseover="alert(1))',
        "![x](https://evil.example/pixel.gif)",
        "![<script>](https://evil.example/pixel.gif)",
        "`<script>`",
        "```html\n<script>\n```",
        "|<b>|\n|-|\n|<script>|",
        "<!-- --><svg/onload=alert(1)>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_no_text_becomes_more_than_words(text: str) -> None:
    html = rendered(text)
    assert "<" not in _TAG.sub("", html)
    assert "javascript:" not in "".join(_TAG.findall(html)).lower()
    assert not re.search(r'href="(?!https?:|mailto:|/|#)', html)


@pytest.mark.parametrize("piece", ["> ", "[", "![", "*a ", "`a", "- ", "|a|b|\n|-|-|\n", "<a ", "[a](<"])
def test_the_longest_text_of_the_worst_kind_is_written(piece: str) -> None:
    text = (piece * LONGEST)[:20_000]
    assert "<" not in _TAG.sub("", rendered(text))
