"""Reads what a customer pasted as a link: cleaned, its platform and kind, and one spelling for all that mean the same.

Nothing is fetched: a short link is taken as it is, and equals only itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.utils.translation import gettext as _
from idna import IDNAError

from catalog.links.cleaning import LONGEST, LONGEST_TYPED, cleaned
from catalog.links.forms import SHORT, PlatformLinks
from catalog.links.hosts import host_name, refuse_look_alike, refuse_private
from catalog.links.platforms import (
    BY_SLUG,
    HOSTS,
    REDIRECTS,
    SCHEMES,
    SUBDOMAINS,
    TRACKING,
)
from catalog.links.refusals import BadLink, OtherPlatform
from catalog.links.spelling import SAFE, encoded, key_of

WEBSITE = "website"
#: Kind of ``@name`` for a platform that has no addresses of this form, or none that we know.
NAME = "name"

_ADDRESS = re.compile(r"https?://[^\s\"'<>()\[\]{}|\\^`]+", re.IGNORECASE)
#: An address that begins behind another one: after a blank, a comma, or with nothing between.
_SEVERAL = re.compile(
    r"(?:(?:https?://|\w\.\w+/)\S*\s+|[^\s/:][,;|]\s*|[^\W_])https?://|\w\.\w+/\S*\s+(?:[\w-]+\.)+\w+/",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}(?::\d{1,5})?(?:[/?#]|\Z)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_QUERY_WITH_BLANKS = re.compile(r"https?://[^\s?]*\?\S*(?: \S+)+\Z", re.IGNORECASE)
_PORT = re.compile(r"[\w.-]+:\d{1,5}(?:[/?#]|\Z)")
_HANDLE = re.compile(r"@[\w.\-]{1,100}\Z")


@dataclass(frozen=True)
class Link:
    """``text`` is what was typed, cleaned, and goes to the provider as it is.

    ``platform`` is a slug of `catalog.links.platforms`, "website" for other sites, or "" for a name of no known
    platform. ``canonical`` is "" where the spelling tells nothing: for short links and such names.
    """

    text: str
    platform: str
    kind: str
    canonical: str
    key: str


def read_link(text: str, *, platforms: Iterable[str] = ()) -> Link:
    """Return what ``text`` is, for a service of these platforms, the main one first; none if that is not known.

    Raises BadLink with a sentence that says what to do, and OtherPlatform, one of its kind.
    """
    wanted = tuple(platforms)
    if len(text) > LONGEST_TYPED or len(shown := cleaned(text)) > LONGEST:
        raise BadLink(_("This is too long for an address. Paste only the address."))
    try:
        found = _read(shown, wanted)
    except OtherPlatform:
        raise
    except BadLink as refusal:
        if not refusal.suggestion:
            refusal.suggestion = _suggested(shown, wanted)
        raise
    known = [slug for slug in wanted if slug in BY_SLUG]
    if found.platform in BY_SLUG and known and not _is_traffic(wanted) and found.platform not in wanted:
        names = {"found": BY_SLUG[found.platform].name, "wanted": BY_SLUG[known[0]].name}
        raise OtherPlatform(
            _("This is an address of %(found)s, and the service is for %(wanted)s. Paste one of %(wanted)s.") % names,
            found=found,
            wanted=known[0],
        )
    return found


@lru_cache(maxsize=4096)
def _read(text: str, wanted: tuple[str, ...]) -> Link:
    # 1. One address, and nothing else.
    if not text:
        raise BadLink(_("Please fill this in."))
    if _SEVERAL.search(text):
        raise BadLink(_("Paste only one address. Place a separate order for each other address."))
    if re.search(r"\s", text) and not _QUERY_WITH_BLANKS.match(text):
        raise BadLink(_("A link has no spaces in it. Paste only the address."))
    if re.search(r"[<>\"`“”„«»]", text):
        raise BadLink(_("An address has no quotes or angle brackets in it. Paste only the address."))
    if "\\" in text:
        raise BadLink(_("An address has no backslash in it. Write it with /."))
    text = text.replace(" ", "%20")
    if text.startswith("@"):
        return _handle(text, wanted)

    # 2. What it begins with.
    if text.startswith("//"):
        address = f"https:{text}"
    elif not _PORT.match(text) and (scheme := _SCHEME.match(text)):
        for pattern, form in SCHEMES:
            if own := pattern.fullmatch(text):
                found = _read(form.format(**own.groupdict()), wanted)
                return Link(text, found.platform, found.kind, found.canonical, found.key)
        if scheme[1].lower() not in ("http", "https"):
            raise BadLink(_("Addresses of this kind cannot be used. Paste one that begins with https://."))
        if not re.match(r"https?://[^/]", text, re.IGNORECASE):
            raise BadLink(_("The address is incomplete. Paste the whole address, such as https://example.com/name."))
        address = text
    elif _BARE.match(text) or _PORT.match(text) or not text.isascii() and "." in text:
        address = f"https://{text}"
    else:
        raise BadLink(_("This is not an address. Paste the whole address, such as https://example.com/name."))
    return _read_address(text, address, wanted)


def _read_address(text: str, address: str, wanted: tuple[str, ...], depth: int = 0) -> Link:
    """The link that is shown as ``text`` and read as ``address``, which begins with http:// or https://."""
    # 1. Its host: one that anybody can open.
    try:
        parts = urlsplit(address)
        port = parts.port
        host = host_name(parts.hostname or "")
    except (ValueError, IDNAError, UnicodeError):
        raise BadLink(_("The name of the site is not right. Copy the address again from the page.")) from None
    if "@" in parts.netloc:
        raise BadLink(_("An address must not hold a name or password before an @. Copy it again from the page."))
    refuse_private(host)
    bare = host.removeprefix("www.")

    # 2. Pages that only lead elsewhere.
    inside, parameter = REDIRECTS.get(bare, ("-", ""))
    path = [unquote(part) for part in parts.path.split("/") if part]
    if "/".join(path) == inside and depth < 3:
        target = dict(parse_qsl(parts.query)).get(parameter, "")
        if re.match(r"https?://[^/\s]\S*\Z", target, re.IGNORECASE):
            return _read_address(text, target, wanted, depth + 1)

    # 3. The platform and what of it this is.
    platform, before = HOSTS.get(bare, (None, ""))
    if platform is None:
        for pattern, other in SUBDOMAINS:
            if within := pattern.fullmatch(bare):
                platform, before = other, f"{prefix}/" if (prefix := within.groupdict().get("prefix")) else ""
                break
    is_traffic = _is_traffic(wanted)
    if platform is None:
        if not is_traffic:
            refuse_look_alike(host, parts.hostname or "")
        return _site(text, WEBSITE, WEBSITE, parts.scheme.lower(), host, port, parts.path, parts.query)
    if before is None:
        if not path:
            raise _unknown_page(platform)
        return Link(text, platform.slug, SHORT, "", key_of(f"https://{host}/{'/'.join(path)}"))
    if not platform.forms:
        return _site(text, platform.slug, WEBSITE, parts.scheme.lower(), host, port, parts.path, parts.query)
    if host == "web.telegram.org" and parts.fragment.startswith("@"):
        path = [parts.fragment[1:]]
    found = _by_form(text, platform, before + "/".join(path), parts.query, host)
    if found is None and (is_traffic or (platform.others_pass and path)):
        return _site(text, platform.slug, WEBSITE, parts.scheme.lower(), host, port, parts.path, parts.query)
    if found is None:
        raise _unknown_page(platform)
    return found


def _is_traffic(wanted: tuple[str, ...]) -> bool:
    """True for visits, which can be sold to any page of any site."""
    return wanted[:1] == ("traffic",)


def _by_form(text: str, platform: PlatformLinks, path: str, query: str, host: str) -> Link | None:
    given = {name.removeprefix("amp;"): value for name, value in parse_qsl(query, keep_blank_values=True)}
    kept = "&".join(f"{name}={given[name]}" for name in platform.parameters if name in given)
    subject = path.strip("/") + (f"?{kept}" if kept else "")
    for form in platform.forms:
        found = form.regex.fullmatch(subject)
        if found is None:
            continue
        groups = found.groupdict()
        if any(found.start(n) == 0 and (v or "").lower() in platform.reserved for n, v in groups.items()):
            continue
        if form.kind == SHORT:
            return Link(text, platform.slug, SHORT, "", key_of(f"https://{host}/{path}"))
        canonical = form.canonical.format(
            **{n: quote((v or "").lower() if n == "name" else v or "", safe=SAFE) for n, v in groups.items()}
        )
        return Link(text, platform.slug, form.kind, canonical, key_of(canonical))
    return None


def _handle(text: str, wanted: tuple[str, ...]) -> Link:
    """``@name``, read with the platform of the service."""
    platform = next((BY_SLUG[slug] for slug in wanted if slug in BY_SLUG), None)
    if not _HANDLE.match(text):
        raise BadLink(_("After @ use only letters, digits, dots and underscores. Or paste the whole address."))
    if platform is None or not platform.handle:
        return Link(text, platform.slug if platform else "", NAME, "", key_of(text.lower()))
    address = platform.handle.format(name=text[1:])
    parts = urlsplit(address)
    found = _by_form(text, platform, parts.path.strip("/"), "", parts.netloc)
    if found is None:
        raise BadLink(
            _("This cannot be a name at %(platform)s. Paste the whole address.") % {"platform": platform.name}
        )
    return found


def _site(text: str, platform: str, kind: str, scheme: str, host: str, port: int | None, path: str, query: str) -> Link:
    """An address of any site: its path and query are the site's own, but for what only counts visitors."""
    parts: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    if path.endswith(("/..", "/.")):
        parts.append("")
    way = "/" + "/".join(parts)
    kept = "&".join(pair for pair in query.split("&") if pair and not TRACKING.fullmatch(pair.partition("=")[0]))
    canonical = f"{scheme}://{host}"
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        canonical += f":{port}"
    canonical += encoded(way) + (f"?{encoded(kept, also='?')}" if kept else "")
    return Link(text, platform, kind, canonical, key_of(canonical))


def _unknown_page(platform: PlatformLinks) -> BadLink:
    return BadLink(
        _("Nothing can be delivered to this page of %(platform)s. Open the profile or post and copy its address.")
        % {"platform": platform.name}
    )


def _suggested(text: str, wanted: tuple[str, ...]) -> str:
    """The one address in a text that cannot be taken whole, or the name with the @ that it lacks."""
    found = {match.rstrip(".,;") for match in _ADDRESS.findall(text.replace("://https://", " https://"))}
    if re.fullmatch(r"\w[\w.]{1,30}", text) and any(slug in BY_SLUG and BY_SLUG[slug].handle for slug in wanted):
        found.add(f"@{text}")
    if len(found) != 1 or (only := found.pop()) == text:
        return ""
    try:
        return _read(only, wanted).text
    except BadLink:
        return ""


def search_keys(text: str) -> list[str]:
    """Return the keys that ``text`` of a search box may stand for; none if it is no address and no name."""
    shown = cleaned(text[:LONGEST_TYPED])
    if len(shown) > LONGEST:
        return []
    if shown.startswith("@"):
        readings = [(slug,) for slug, platform in BY_SLUG.items() if platform.handle] + [()]
    else:
        readings = [(), ("traffic",)]
    keys: dict[str, None] = {}
    for wanted in readings:
        try:
            keys[_read(shown, wanted).key] = None
        except BadLink:
            continue
    return list(keys)


def link_key(text: str, platforms: Iterable[str] = ()) -> str:
    """Return the key of a link however it was taken: of one that would be refused today, the text itself."""
    if not text:
        return ""
    shown = cleaned(text[:LONGEST_TYPED])
    try:
        return _read(shown, tuple(platforms)).key
    except BadLink:
        return key_of(" ".join(shown.lower().split()) or "-")
