from django import template
from django.template import Context

from accounts import mails

register = template.Library()


@register.simple_tag(takes_context=True)
def mail_trouble(context: Context) -> dict[str, str]:
    """What keeps the mail that this visitor waits for."""
    return mails.mail_trouble(context["request"])
