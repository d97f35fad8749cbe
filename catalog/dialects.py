"""Checks what an owner writes about an unusual panel before anything is asked with it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

#: The settings of upstream.dialect.Dialect that have no field of their own, by what they hold.
_FLAGS = ("numeric_states", "send_quantity_for_lines", "cancel_single")
_NAMES = ("description_field", "request_id_field")
_TABLES = ("state_map", "error_map", "field_names")


def checked_dialect(value: Any) -> dict[str, Any]:
    """The settings as given. Raises ValidationError, naming the first that the client would not understand."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("This must be a JSON object, such as {}."))
    for name, setting in value.items():
        if not _is_understood(name, setting):
            raise ValidationError(_("“%(name)s” is not a setting, or its value is of the wrong kind.") % {"name": name})
    return value


def _is_understood(name: str, setting: Any) -> bool:
    if name in _FLAGS:
        return isinstance(setting, bool)
    if name in _NAMES:
        return isinstance(setting, str)
    return name in _TABLES and isinstance(setting, dict) and all(isinstance(word, str) for word in setting.values())
