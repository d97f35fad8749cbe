from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from orders.freezing import is_frozen
from orders.models import ShopState

register = template.Library()


@register.simple_tag(takes_context=True)
def frozen_note(context: template.Context) -> SafeString | str:
    """The line above every page of the owner's side while nothing leaves the shop; empty otherwise, and to others."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_staff or not is_frozen():
        return ""
    why = ShopState.objects.values_list("why", flat=True).first()
    words = _("The shop is frozen: orders wait, and nothing is sent to any provider.")
    return format_html('<p class="errornote" role="status">{} <bdi>{}</bdi></p>', words, why or "")
