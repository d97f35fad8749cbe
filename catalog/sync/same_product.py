"""Whether a row of a provider's list is still the product that it was: providers reuse ids. Pure functions."""

import re
from typing import NamedTuple

from catalog.shop.platforms import OTHER, platform_of
from catalog.shop.search_text import fold

#: What is sold, by the words that names use for it, in the languages that lists are written in most.
_GOODS = {
    "followers": r"follow|subscri|member|takip|abone|seguidor|подписч|участник|متابع",
    "likes": r"like|heart|favou?rit|reaction|be[gğ]eni|curtid|me gusta|лайк|реакци|اعجاب|إعجاب",
    "views": r"view|watch|play|stream|listen|impression|reach|izlen|g[oö]r[uü]nt|vista|visualiza|просмотр|مشاهد",
    "comments": r"comment|repl(?:y|ies)|review|yorum|coment|коммент|отзыв|تعليق",
    "shares": r"share|repost|retweet|forward|payla[sş]|compart|репост",
    "saves": r"\bsaves?\b|bookmark|kaydet",
    "votes": r"vote|poll|\boy\b|голос",
    "traffic": r"traffic|visit|click|trafik|трафик",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _GOODS.items()}
_WORD = re.compile(r"[^\W\d_]{3,}")


class Product(NamedTuple):
    """What makes a row the product it is. ``unit`` is per 1,000 or per package."""

    name: str
    type: str
    unit: str
    category: str


def what_differs(before: Product, now: Product) -> str:
    """Return in a few words why ``now`` is another product than ``before``; "" if it is the same, perhaps renamed.

    Names change often, with emoji, speed and guarantee, so another name alone says little: the row is another product
    where it names other goods, another platform, or has no word in common with what it was.
    """
    if before.unit != now.unit:
        return f"unit {before.unit} became {now.unit}"
    if before.type != now.type:
        return f"type {before.type} became {now.type}"
    if before.name == now.name:
        return ""
    platforms = platform_of(before.category, before.name), platform_of(now.category, now.name)
    if OTHER not in platforms and platforms[0] != platforms[1]:
        return f"platform {platforms[0]} became {platforms[1]}"
    old, new = fold(before.name), fold(now.name)
    goods = [{kind for kind, pattern in _PATTERNS.items() if pattern.search(text)} for text in (old, new)]
    if all(goods):
        return "" if goods[0] & goods[1] else f"{_listed(goods[0])} became {_listed(goods[1])}"
    words = [set(_WORD.findall(text)) for text in (old, new)]
    return "" if words[0] & words[1] or not all(words) else "its name has no word of the old one"


def _listed(goods: set[str]) -> str:
    return " and ".join(sorted(goods))
