"""A secret that is shown on one page after a redirect: sealed in the session until then, and forgotten when read."""

from datetime import datetime, timedelta

from django.http import HttpRequest

from core.secrets import SecretUnreadable, seal, unseal

#: How long it waits for the page; a browser that follows the redirect asks within a moment.
KEPT_FOR = timedelta(minutes=10)


def keep_for_page(request: HttpRequest, name: str, secret: str, *, now: datetime) -> None:
    """Keep ``secret`` for the next page that asks for ``name``. No plain text reaches the table of sessions."""
    request.session[name] = [seal(secret), (now + KEPT_FOR).timestamp()]


def take_for_page(request: HttpRequest, name: str, *, now: datetime) -> str | None:
    """Return the secret kept under ``name`` and forget it; None if there is none, or it waited too long."""
    sealed, until = request.session.pop(name, ("", 0.0))
    if not sealed or now.timestamp() > until:
        return None
    try:
        return unseal(sealed)
    except SecretUnreadable:
        return None
