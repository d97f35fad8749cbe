"""Form controls in the shop's clothes: the class its kind of widget needs, and the ARIA that says what is wrong."""

from django import template
from django.forms import BoundField, CheckboxInput, Select, Textarea
from django.utils.safestring import SafeString

register = template.Library()


def _class(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "checkbox checkbox-sm"
    if isinstance(widget, Textarea):
        return "textarea"
    return "select" if isinstance(widget, Select) else "input"


@register.simple_tag
def control(field: BoundField, described_by: str = "", *, bare: bool = False) -> SafeString:
    """The field's widget; ``bare`` when the box around it wears the class.

    An error takes the hint's place, as in parts/field.html, and so does its id.
    """
    attrs: dict[str, str | bool] = {"class": "" if bare else _class(field)}
    described = [described_by] if described_by else []
    if field.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{field.auto_id}-error")
    elif field.help_text:
        described.append(f"{field.auto_id}-hint")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)
