"""Links to the same page in the other languages of the shop."""

from urllib.parse import urljoin, urlsplit

from django import template
from django.conf import settings
from django.template import Context
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.languages import PageLanguage, page_languages

register = template.Library()


@register.simple_tag(takes_context=True)
def languages(context: Context) -> list[PageLanguage]:
    """Return the languages of this page; none where no request or shop is known, or the page has only one."""
    request, shop = context.get("request"), context.get("shop")
    return page_languages(request.path, shop) if request is not None and shop else []


@register.simple_tag(takes_context=True)
def hreflang(context: Context) -> SafeString:
    """Tell search engines where this page, known by the address of ``meta``, is in the other languages."""
    request, shop, meta = context.get("request"), context.get("shop"), context.get("meta")
    if request is None or not shop:
        return SafeString("")
    known_as = urlsplit(meta.address) if meta else None
    path = known_as._replace(scheme="", netloc="").geturl() if known_as else request.path
    found = page_languages(path, shop)
    links = [(each.code, urljoin(settings.SHOP_URL, each.path)) for each in found]
    links += [("x-default", address) for code, address in links if code == settings.LANGUAGE_CODE]
    return format_html_join("\n", '<link rel="alternate" hreflang="{}" href="{}">', links)
