"""Which platform a service is for, told from the words of its category and name; and text folded for searching.

The list is the field's usual one. What matches nothing is "other" and stays findable by search.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

OTHER = "other"


@dataclass(frozen=True)
class Platform:
    """``slug`` is stored with a service and stands in addresses; ``letters`` are drawn in its tile."""

    slug: str
    name: str
    letters: str
    words: str


#: In the order in which a tie is decided: a name such as "Instagram likes from TikTok ads" is Instagram's.
PLATFORMS = [
    Platform("instagram", "Instagram", "IG", r"instagram|insta|\big\b|igtv"),
    Platform("tiktok", "TikTok", "TT", r"tik ?tok|\btt\b|\btk\d*\b"),
    Platform("youtube", "YouTube", "YT", r"you ?tube|\byt\b"),
    Platform("telegram", "Telegram", "TG", r"telegram|\btg\b"),
    Platform("facebook", "Facebook", "FB", r"facebook|\bfb\b|\bfv\d+\b"),
    Platform("x", "X", "X", r"twitter|\bx\.com\b|\bx\s*\(|^x\b"),
    Platform("spotify", "Spotify", "SP", r"spotify"),
    Platform("soundcloud", "SoundCloud", "SC", r"sound ?cloud"),
    Platform("apple-music", "Apple Music", "AM", r"apple ?music|itunes|shazam"),
    Platform("twitch", "Twitch", "TW", r"twitch"),
    Platform("kick", "Kick", "KI", r"\bkick\b"),
    Platform("discord", "Discord", "DC", r"discord"),
    Platform("threads", "Threads", "TH", r"\bthreads?\b"),
    Platform("linkedin", "LinkedIn", "LI", r"linked ?in"),
    Platform("pinterest", "Pinterest", "PI", r"pinterest"),
    Platform("snapchat", "Snapchat", "SN", r"snap ?chat"),
    Platform("whatsapp", "WhatsApp", "WA", r"whats ?app"),
    Platform("reddit", "Reddit", "RE", r"reddit"),
    Platform("vk", "VK", "VK", r"\bvk\b|vkontakte"),
    Platform("google", "Google", "GO", r"google|gmb|\bmaps?\b"),
    Platform("traffic", "Website traffic", "WT", r"traffic|visitors?|website|\bseo\b|backlinks?"),
]
BY_SLUG = {p.slug: p for p in PLATFORMS}
_PATTERNS = [(p.slug, re.compile(p.words)) for p in PLATFORMS]


def fold(text: str) -> str:
    """One spelling for searching: 𝐁𝐨𝐥𝐝 and full width unified, accents and case dropped, blanks single."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


@lru_cache(maxsize=8192)
def platform_of(category: str, name: str = "") -> str:
    """The platform's slug: the category's words decide, then the name's; ``other`` when neither says."""
    for text in (fold(category), fold(name)):
        for slug, pattern in _PATTERNS:
            if pattern.search(text):
                return slug
    return OTHER


def letters_of(slug: str) -> str:
    return BY_SLUG[slug].letters if slug in BY_SLUG else "+"
