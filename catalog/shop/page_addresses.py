"""Addresses of the pages of services and categories: ``/services/63-instagram-followers/``.

The number decides. The words after it are for people; they follow the name, and other words lead to the right ones.
"""

from functools import lru_cache

from django.urls import get_script_prefix, reverse
from django.utils.text import slugify
from django.utils.translation import get_language

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
    start = _start(view, get_script_prefix(), get_language())
    return f"{start}{number}-{words}/" if words else f"{start}{number}/"


@lru_cache(maxsize=64)
def _start(view: str, _script_prefix: str, _language: str | None) -> str:
    """The address of such a page up to its number: lists have hundreds of them, and reversing each takes long."""
    return reverse(view, kwargs={"pk": 0}).removesuffix("0/")
