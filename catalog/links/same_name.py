"""The address of one name on another platform."""

from catalog.links.platforms import BY_SLUG
from catalog.links.reader import Link, read_link
from catalog.links.refusals import BadLink
from catalog.links.spelling import key_of


def same_name(found: Link, wanted: str) -> str:
    """Return the address that the name in ``found`` would have on the platform ``wanted``.

    Empty if the link is no name, or if that platform has no names like it. Whose account that is, nobody knows here.
    """
    own, other = BY_SLUG[found.platform], BY_SLUG[wanted]
    name = found.canonical.rstrip("/").rpartition("/")[2].removeprefix("@")
    if not (own.handle and other.handle and name) or key_of(own.handle.format(name=name)) != found.key:
        return ""
    address = other.handle.format(name=name)
    try:
        return read_link(address, platforms=(wanted,)).text
    except BadLink:
        return ""
