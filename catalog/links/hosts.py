"""The name of a site: one that anybody can open, and no look-alike of a platform's."""

import re
import unicodedata

from django.utils.translation import gettext as _
from idna import encode

from catalog.links.forms import PlatformLinks
from catalog.links.platforms import HOSTS, PLATFORMS
from catalog.links.refusals import BadLink

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.ASCII)
_TOP = re.compile(r"(?:[a-z]{2,24}|xn--[a-z0-9-]+)\Z", re.ASCII)
_SECOND_ENDING = re.compile(r"\.(?:co|com|net|org)(?=\.\w\w\Z)")
_PRIVATE = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "localdomain"})
#: Letters of other alphabets, and digits, that pass for Latin letters in the name of a host.
_ALIKE = str.maketrans("аеорсухіјѕԁһӏοανικτ0134", "aeopcyxijsdhloaviktolea")


def host_name(host: str) -> str:
    """Return the name in small ASCII letters. Raises IDNAError or UnicodeError for one that cannot be."""
    host = unicodedata.normalize("NFKC", host).lower().rstrip(".")
    return host if host.isascii() else encode(host, uts46=True).decode()


def refuse_private(host: str) -> None:
    """Raises BadLink for a host that has no public name."""
    labels = host.split(".")
    if re.fullmatch(r"[0-9a-f:]*:[0-9a-f:.]*", host) or re.fullmatch(r"\d+|0x[0-9a-f]+", labels[-1]):
        raise BadLink(_("Paste an address with the name of a site, not with numbers."))
    if labels[-1] in _PRIVATE or len(labels) < 2 or not _TOP.match(labels[-1]) or not all(map(_LABEL.match, labels)):
        raise BadLink(_("No such site can be opened from outside. Check the name of the site."))


def refuse_look_alike(host: str, typed: str) -> None:
    """Raises BadLink for a host that only looks like one of a platform."""
    labels = host.split(".")
    for first in range(len(labels)):
        for end in range(first + 2, len(labels)):
            if (known := HOSTS.get(".".join(labels[first:end]))) is not None:
                raise _look_alike(known[0])
    platform = _HOSTS_ONCE.get(_once(host.removeprefix("www.")))
    for spelled in (host, unicodedata.normalize("NFKC", typed).lower()):
        *_subdomains, name, _ending = ["", *_SECOND_ENDING.sub("", spelled).split(".")]
        platform = platform or _LABELS.get(_plain(name))
    if platform is not None:
        raise _look_alike(platform)


def _plain(label: str) -> str:
    """The label as it looks at a glance: faceb00k, tik-tok and instagrarn as the real ones."""
    return label.translate(_ALIKE).replace("-", "").replace("rn", "m").replace("vv", "w").replace("l", "i")


def _once(text: str) -> str:
    """The text with each run of a letter as one letter."""
    return re.sub(r"(.)\1+", r"\1", text)


_HOSTS_ONCE = {_once(host): platform for host, (platform, _before) in HOSTS.items()}
_LABELS = {_plain(label): platform for platform in PLATFORMS for label in platform.labels}


def _look_alike(platform: PlatformLinks) -> BadLink:
    host = next(iter(platform.hosts))
    return BadLink(
        _("This only looks like %(platform)s. The right address begins with https://%(host)s/.")
        % {"platform": platform.name, "host": host}
    )
