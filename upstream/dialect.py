"""What is special about one provider, as the owner set it. The defaults are the documented contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Dialect:
    """Settings of one provider.

    `state_map` and `error_map` add the owner's words (in the panel's language) to the tables: word -> our state or
    error class. `field_names` renames fields of `add` (`media` -> `media_url`). `description_field` names the key
    that holds the description. `request_id_field` is the panel's idempotency parameter, if it documents one: each
    `add` then carries a key of its own in it.
    `send_quantity_for_lines` is for the caller, who builds the fields of an order. `cancel_single` asks with `order`.
    """

    body_encoding: Literal["form", "json"] = "form"
    numeric_states: bool = False
    state_map: Mapping[str, str] = field(default_factory=dict)
    error_map: Mapping[str, str] = field(default_factory=dict)
    send_quantity_for_lines: bool = False
    batch_size: int = 100
    field_names: Mapping[str, str] = field(default_factory=dict)
    description_field: str | None = None
    request_id_field: str | None = None
    cancel_single: bool = False
