"""What a page says about itself to search engines and to places where its address is shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class PageMeta:
    """``address`` is the one under which the page should be known. ``data`` are blocks of structured data."""

    title: str
    description: str
    address: str
    image: str
    data: Sequence[SafeString] = ()


def page_meta(*, title: str, description: str, path: str, data: Sequence[SafeString] = ()) -> PageMeta:
    """Return the words for the head of a page; ``path`` begins with a slash."""
    return PageMeta(title, description, absolute(path), absolute(static("share.png")), data)


def absolute(path: str) -> str:
    """Return the whole address of a path, under the name by which the shop is known."""
    return urljoin(settings.SHOP_URL, path)
