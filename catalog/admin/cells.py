"""Fields in the cells of a list: each says what it is, as a column's heading alone does not say it to everybody."""

from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.forms.utils import flatatt
from django.utils.html import format_html
from django.utils.safestring import SafeString

_INPUTS = {f"django/forms/widgets/{kind}.html" for kind in ("hidden", "text", "number", "checkbox")}


class CellRenderer(DjangoTemplates):
    """Writes inputs down at once: Django renders each from a template of its own, and a page has hundreds."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> SafeString:
        if template_name not in _INPUTS:
            return SafeString(super().render(template_name, context, request))
        said = context["widget"]
        value = {} if said["value"] is None else {"value": said["value"]}
        return format_html("<input{}>", flatatt({"type": said["type"], "name": said["name"], **value, **said["attrs"]}))


class CellForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    default_renderer = CellRenderer()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"
            # The help stands beside the column in words of its own, and a cell has no room for it.
            field.help_text = ""
