from django import template

from storefront.logs import request_id

register = template.Library()


@register.simple_tag
def request_reference() -> str:
    """The id of this request, as it stands in the logs: what a customer names when something broke."""
    return request_id.get()
