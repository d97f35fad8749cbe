"""The owner's Markdown as HTML that cannot harm a reader: no scripts, no styles, no pictures of other hosts."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import unescape
from typing import Any

import nh3
from django.conf import settings
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_TAGS = {
    *("h2", "h3", "p", "br", "hr", "ul", "ol", "li", "a", "strong", "em", "code", "pre", "blockquote", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "th": {"scope"}}
#: The page's own heading is its h1, so that those of the text begin below it.
_HEADINGS = {"h1": "h2", "h2": "h2"}
_HEADING = re.compile(r"<h[23]>.*?</h[23]>", re.DOTALL)
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener",
    strip_comments=True,
)


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """An own picture; of any other its words alone, which also keeps readers' addresses from other hosts."""
        source = str(tokens[idx].attrs.get("src", ""))
        if source.startswith(settings.STATIC_URL) and ".." not in source:
            return super().image(tokens, idx, options, env)
        return self.renderInlineAsText(tokens[idx].children, options, env)

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<{_HEADINGS.get(tokens[idx].tag, 'h3')}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"</{_HEADINGS.get(tokens[idx].tag, 'h3')}>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<th scope="col">'


_markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


@lru_cache(maxsize=32)
def rendered(text: str) -> SafeString:
    """Return ``text`` as HTML. A process keeps the last ones; none is stored, so that stricter rules hold at once."""
    return mark_safe(_cleaner.clean(_markdown.render(text)))  # noqa: S308  # nh3 left nothing but _TAGS


def opening(html: str, most: int = 160) -> str:
    """Return the first words of a rendered text, without headings: at most ``most`` characters, on one line."""
    words = " ".join(unescape(strip_tags(_HEADING.sub(" ", html))).split())
    return words if len(words) <= most else words[: most - 1].rsplit(" ", 1)[0] + "…"
