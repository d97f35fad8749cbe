"""Which platform a service is for, found by the words of its category and name.

A service that matches none of them is "other" and can still be found by search.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from catalog.shop.search_text import fold

OTHER = "other"


@dataclass(frozen=True)
class Platform:
    """``slug`` is stored with a service and stands in addresses; ``letters`` are drawn in its tile."""

    slug: str
    name: str
    letters: str
    words: str


#: ``words`` are matched with text as :func:`fold` leaves it: small, without accents, in Arabic and Cyrillic too.
#: In the order in which a tie is decided: a name such as "Instagram likes from TikTok ads" is Instagram's.
PLATFORMS = [
    Platform("instagram", "Instagram", "IG", r"instagram|insta|\big\b|igtv|ا[يی]?نست(?:ا|[قغكگج]ر)|инстаграм"),
    Platform("tiktok", "TikTok", "TT", r"tik ?tok|\btt\b|\btk\d*\b|تي?ك ?توك|тик ?ток"),
    Platform("youtube", "YouTube", "YT", r"you ?tube|\byt\b|يوتي?وب|ютуб|ютьюб"),
    Platform("telegram", "Telegram", "TG", r"telegram|\btg\b|تي?لي?[جقغگك]را?م|телеграм"),
    Platform("facebook", "Facebook", "FB", r"facebook|\bfb\b|\bfv\d+\b|في?س ?بوك|феисбук"),
    Platform("x", "X", "X", r"twitter|\bx\.com\b|\bx\s*\(|^x\b|تويتر|твиттер"),
    Platform("spotify", "Spotify", "SP", r"spotify|سبوتيفاي"),
    Platform("soundcloud", "SoundCloud", "SC", r"sound ?cloud"),
    Platform("apple-music", "Apple Music", "AM", r"apple ?music|itunes|shazam"),
    Platform("twitch", "Twitch", "TW", r"twitch"),
    Platform("kick", "Kick", "KI", r"\bkick\b"),
    Platform("discord", "Discord", "DC", r"discord"),
    Platform("threads", "Threads", "TH", r"\bthreads?\b"),
    Platform("linkedin", "LinkedIn", "LI", r"linked ?in"),
    Platform("pinterest", "Pinterest", "PI", r"pinterest"),
    Platform("snapchat", "Snapchat", "SN", r"snap ?chat|سناب|снапчат"),
    Platform("whatsapp", "WhatsApp", "WA", r"whats ?app|وات?س ?اب|ватсап|вотсап"),
    Platform("reddit", "Reddit", "RE", r"reddit"),
    Platform("vk", "VK", "VK", r"\bvk\b|vkontakte|вконтакте|\bвк\b"),
    Platform("google", "Google", "GO", r"google|gmb|\bmaps?\b"),
    Platform("traffic", "Website traffic", "WT", r"traffic|visitors?|website|\bseo\b|backlinks?"),
]
BY_SLUG = {p.slug: p for p in PLATFORMS}
_PATTERNS = [(p.slug, re.compile(p.words)) for p in PLATFORMS]


@lru_cache(maxsize=8192)
def platform_of(category: str, name: str = "") -> str:
    """Return the platform's slug: the category's words decide, then the name's; "other" if neither names one."""
    for text in (fold(category), fold(name)):
        for slug, pattern in _PATTERNS:
            if pattern.search(text):
                return slug
    return OTHER


@lru_cache(maxsize=8192)
def platforms_named(main: str, *texts: str) -> tuple[str, ...]:
    """Return the slugs of all platforms that a service may be for: ``main``, then those that its texts name."""
    folded = [fold(text) for text in texts]
    named = [slug for slug, pattern in _PATTERNS if any(pattern.search(text) for text in folded)]
    return tuple(dict.fromkeys(slug for slug in (main, *named) if slug and slug != OTHER))


def letters_of(slug: str) -> str:
    """The letters of the platform's tile; "+" for other services."""
    return BY_SLUG[slug].letters if slug in BY_SLUG else "+"
