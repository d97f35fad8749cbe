"""Checks the owner's settings for an unusual provider API before they are used."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from upstream.errors import ErrorClass
from upstream.service_types import SERVICE_TYPES
from upstream.states import ProviderOrderState

#: The settings of upstream.dialect.Dialect that have no form field of their own, by their type.
_FLAGS = ("numeric_states", "send_quantity_for_lines", "cancel_single")
_NAMES = ("description_field", "request_id_field")
#: Fields that an order may have itself: a request's own key must not take the place of one.
_TAKEN = {"key", "action", "service", *(name for kind in SERVICE_TYPES for name in kind.fields)}
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_TABLES = ("state_map", "error_map", "field_names")
#: Allowed values of a table whose values are our own names.
_MEANINGS = {"state_map": frozenset(ProviderOrderState), "error_map": frozenset(ErrorClass)}


def checked_dialect(value: Any) -> dict[str, Any]:
    """Return the settings as given. Raises ValidationError, naming the first that the client would not understand."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("Please enter a JSON object, such as {}."))
    for name, setting in value.items():
        if name in _FLAGS:
            is_valid = isinstance(setting, bool)
        elif name in _NAMES:
            is_valid = isinstance(setting, str)
        else:
            allowed = _MEANINGS.get(name)
            is_valid = (
                name in _TABLES
                and isinstance(setting, dict)
                and all(isinstance(word, str) and (allowed is None or word in allowed) for word in setting.values())
            )
        if not is_valid:
            raise ValidationError(_("“%(name)s” is not a setting, or its value has the wrong type.") % {"name": name})
    own = value.get("request_id_field", "")
    if own and (not _FIELD.fullmatch(own) or own in _TAKEN | set(value.get("field_names", {}).values())):
        raise ValidationError(
            _("request_id_field must name a field of add that nothing else uses, such as request_id.")
        )
    return value
