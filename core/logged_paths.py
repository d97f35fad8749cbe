"""Paths as the access logs show them: without the parts that work like a password."""

import re

#: The start of a path behind which a secret may stand: links from mails, and addresses like the API's, into which some
#: programs write the key. Caddy uses the same text (deploy/Caddyfile), so it holds nothing that RE2 does not know.
HIDDEN_BEHIND = (
    r"/(?:key|confirm-email|fewer-mails)/"
    r"|^/+(?i:api/+v)[0-9]+/*"
    r"|^/+(?i:api)/+(?:[^vV/?]|[vV][^0-9/?])"
    r"|^/+(?i:api)[^/?]"
    r"|^/+(?i:adminapi)"
    r"|^/+(?i:v)[0-9]+[^A-Za-z0-9_-]"
)
_SECRET = re.compile(f"({HIDDEN_BEHIND}).+", re.DOTALL)


def shown_path(path: str) -> str:
    """Return ``path`` with "..." in place of what may be a secret."""
    return _SECRET.sub(r"\1...", path)
