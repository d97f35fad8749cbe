"""All platforms whose addresses are known, and ways to find one by host or scheme."""

import re

from catalog.links.forms import PlatformLinks
from catalog.links.table.boards import PINTEREST, REDDIT, SNAPCHAT
from catalog.links.table.chats import DISCORD, TELEGRAM, WHATSAPP
from catalog.links.table.music import APPLE_MUSIC, SOUNDCLOUD, SPOTIFY
from catalog.links.table.pages import FACEBOOK, LINKEDIN, VK
from catalog.links.table.posts import INSTAGRAM, THREADS, TIKTOK, X
from catalog.links.table.videos import KICK, TWITCH, YOUTUBE

PLATFORMS: tuple[PlatformLinks, ...] = (
    INSTAGRAM,
    TIKTOK,
    YOUTUBE,
    TELEGRAM,
    X,
    FACEBOOK,
    SPOTIFY,
    SOUNDCLOUD,
    TWITCH,
    THREADS,
    LINKEDIN,
    DISCORD,
    PINTEREST,
    SNAPCHAT,
    WHATSAPP,
    REDDIT,
    VK,
    KICK,
    APPLE_MUSIC,
)
BY_SLUG = {platform.slug: platform for platform in PLATFORMS}
#: Host -> its platform and what its paths are read with in front of them; None for a host of short links.
HOSTS: dict[str, tuple[PlatformLinks, str | None]] = {
    host: (platform, before) for platform in PLATFORMS for host, before in platform.hosts.items()
} | {host: (platform, None) for platform in PLATFORMS for host in platform.short_hosts}
SUBDOMAINS = [(re.compile(platform.subdomains), platform) for platform in PLATFORMS if platform.subdomains]
SCHEMES = [
    (re.compile(pattern, re.IGNORECASE), address) for platform in PLATFORMS for pattern, address in platform.schemes
]
#: Pages that only lead on to the address in one of their parameters.
REDIRECTS: dict[str, tuple[str, str]] = {
    "l.instagram.com": ("", "u"),
    "l.threads.com": ("", "u"),
    "l.facebook.com": ("l.php", "u"),
    "lm.facebook.com": ("l.php", "u"),
    "facebook.com": ("l.php", "u"),
    "youtube.com": ("redirect", "q"),
    "w.soundcloud.com": ("player", "url"),
    "google.com": ("url", "q"),
}
#: Parameters with which a site only counts where its visitors come from.
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|igsh|igshid|mc_cid|mc_eid|_ga|_gl|mkt_tok"
)
