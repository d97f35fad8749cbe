"""Form controls with the shop's CSS classes, and ARIA attributes for hints and errors."""

from django import template
from django.forms import BoundField, CheckboxInput, Select, Textarea
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def control(field: BoundField, described_by: str = "", *, bare: bool = False, placeholder: bool = True) -> SafeString:
    """The field's widget; with ``bare``, without a class, because the box around it has one.

    ``placeholder=False`` leaves out a placeholder, which in allauth's forms only repeats the label.
    An error is shown in place of the hint, as in parts/field.html.
    """
    classes = {CheckboxInput: "checkbox checkbox-sm", Textarea: "textarea", Select: "select"}
    css = next((css for widget, css in classes.items() if isinstance(field.field.widget, widget)), "input")
    attrs: dict[str, str | bool] = {"class": "" if bare else css}
    if not placeholder:
        attrs["placeholder"] = False
    described = [described_by] if described_by else []
    if field.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{field.auto_id}-error")
    elif field.help_text:
        described.append(f"{field.auto_id}-hint")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)
