from django import template

from core.request_id import request_id

register = template.Library()


@register.simple_tag
def request_reference() -> str:
    """The id of this request in the logs, for customers to quote when they report an error."""
    return request_id.get()
