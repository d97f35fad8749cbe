"""An address to show as an example: one of the platform, and of an account or a post, as the service is for."""

import re
from enum import StrEnum

#: What the words of a name say that an order is for.
_POST = re.compile(
    r"like|view|comment|share|save|repost|retweet|reaction|impression|reach|watch|play|stream|vote|poll|reel|short"
    r"|upvote|مشاهد|[اإ]عجاب|لايك|تعليق|лайк|просмотр|комментар|репост|begeni|izlenme|yorum|me gusta|visualiza"
    r"|comentario"
)
_ACCOUNT = re.compile(
    r"follower|subscriber|member|friend|\bfans?\b|profile|connection|page like|channel|listener|story|stories|live"
    r"|متابع|مشترك|[أا]عضاء|подписчик|участник|takipci|abone|seguidor|suscriptor|inscrit"
)

#: Names of services that are delivered to the next or last posts of an account: either kind of link may be right.
_EITHER = re.compile(r"\bauto|\blast \d|\blatest\b|\bfuture\b|\bnew posts\b")
#: Kinds of links, as the reader names them. Those in neither may be right for both.
_KINDS_OF_ACCOUNTS = frozenset(
    {"profile", "channel", "private channel", "page", "group", "community", "server", "bot", "artist", "curator"}
)
_KINDS_OF_POSTS = frozenset(
    {"post", "group post", "private post", "video", "reel", "short", "clip", "photo", "pin", "track", "episode",
     "message", "article"}
)  # fmt: skip

#: An account and a post of each platform, as `catalog.links.reader` reads them.
EXAMPLES: dict[str, tuple[str, str]] = {
    "instagram": ("https://instagram.com/name", "https://instagram.com/p/C1a2B3c4D5e"),
    "tiktok": ("https://tiktok.com/@name", "https://tiktok.com/@name/video/7300000000000000000"),
    "youtube": ("https://youtube.com/@name", "https://youtube.com/watch?v=A1b2C3d4E5f"),
    "telegram": ("https://t.me/name", "https://t.me/name/123"),
    "facebook": ("https://facebook.com/name", "https://facebook.com/name/posts/1234567890"),
    "x": ("https://x.com/name", "https://x.com/name/status/1700000000000000000"),
    "spotify": ("https://open.spotify.com/artist/1A2b3C4d5E6f7G8h9I0jKl", "https://open.spotify.com/track/1A2b3C4d5E6f7G8h9I0jKl"),
    "soundcloud": ("https://soundcloud.com/name", "https://soundcloud.com/name/title"),
    "apple-music": ("https://music.apple.com/us/artist/name/1234567890", "https://music.apple.com/us/song/title/1234567890"),
    "twitch": ("https://twitch.tv/name", "https://twitch.tv/videos/1234567890"),
    "kick": ("https://kick.com/name", "https://kick.com/name"),
    "discord": ("https://discord.gg/AbCdEfGh", "https://discord.gg/AbCdEfGh"),
    "threads": ("https://threads.com/@name", "https://threads.com/@name/post/C1a2B3c4D5e"),
    "linkedin": ("https://linkedin.com/in/name", "https://linkedin.com/feed/update/urn:li:activity:7100000000000000000"),
    "pinterest": ("https://pinterest.com/name", "https://pinterest.com/pin/123456789012345678"),
    "snapchat": ("https://snapchat.com/add/name", "https://snapchat.com/add/name"),
    "whatsapp": ("https://whatsapp.com/channel/0029VaA1b2C3d4E5f6G7h8", "https://whatsapp.com/channel/0029VaA1b2C3d4E5f6G7h8"),
    "reddit": ("https://reddit.com/user/name", "https://reddit.com/r/name/comments/1a2b3c/title"),
    "vk": ("https://vk.com/name", "https://vk.com/wall-12345_678"),
    "google": ("https://maps.app.goo.gl/A1b2C3d4E5f", "https://maps.app.goo.gl/A1b2C3d4E5f"),
}  # fmt: skip
WEBSITE_EXAMPLE = "https://example.com/page"


class Target(StrEnum):
    """What an order is for, as far as the words of its service say."""

    ACCOUNT = "account"
    POST = "post"
    UNKNOWN = ""


def target_of(text: str) -> Target:
    """Return what a service is for; ``text`` is its name, folded. Unknown if its words name neither or both."""
    is_post, is_account = bool(_POST.search(text)), bool(_ACCOUNT.search(text))
    if is_post == is_account or _EITHER.search(text):
        return Target.UNKNOWN
    return Target.POST if is_post else Target.ACCOUNT


def example_link(platform: str, text: str) -> str:
    """Return an address that an order for a service of this platform may have; ``text`` is its name, folded.

    An account where it is not known what the service is for: that is asked for more often.
    """
    account, post = EXAMPLES.get(platform, (WEBSITE_EXAMPLE, WEBSITE_EXAMPLE))
    return post if target_of(text) is Target.POST else account


def wanted_instead(kind: str, text: str) -> Target:
    """Return what a service is for if a link of this kind is surely something else; unknown if it may be right."""
    target = target_of(text)
    others = {Target.ACCOUNT: _KINDS_OF_POSTS, Target.POST: _KINDS_OF_ACCOUNTS}.get(target, frozenset())
    return target if kind in others else Target.UNKNOWN
