"""Addresses of the pages of services and categories: ``/services/63-instagram-followers/``.

The number decides. The words after it are for people; they follow the name, and other words lead to the right ones.
"""

from django.urls import reverse
from django.utils.text import slugify

#: Letters of a name that an address holds at most.
MOST = 60


def service_address(number: int, name: str) -> str:
    """Return the path of the page of a service."""
    return _address("catalog:service", number, name)


def category_address(number: int, name: str) -> str:
    """Return the path of the page of a category."""
    return _address("catalog:category", number, name)


def _address(view: str, number: int, name: str) -> str:
    # Names without a Latin letter leave no words: their letters would become long codes in an address.
    words = slugify(name[:200])[:MOST].strip("-_")
    return reverse(view, kwargs={"pk": number, "words": words} if words else {"pk": number})
