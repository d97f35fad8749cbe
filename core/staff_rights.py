"""Rights that several parts of the admin ask for."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve

#: Who may see what the shop earns: profit, margins and costs.
SEES_MONEY = "orders.view_moneyday"


def may_open(request: HttpRequest, address: str) -> bool:
    """Return whether ``address`` is a page of the shop, and one of the admin only if who asks may see its table."""
    try:
        name = resolve(urlsplit(address).path).url_name or ""
    except Resolver404:
        return False
    app, _sep, rest = name.partition("_")
    return not rest or request.user.has_perm(f"{app}.view_{rest.split('_')[0]}")
