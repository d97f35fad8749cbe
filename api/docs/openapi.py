"""The reference as an OpenAPI 3.1 document."""

from functools import cache
from typing import Any

import msgspec
from django.utils.translation import override

from api.actions import ACTIONS
from api.docs.reference import IDS, INTEGER, TOPICS, Topic
from api.messages import ErrorAnswer
from upstream.service_types import SERVICE_TYPES

_KINDS: dict[str, dict[str, Any]] = {
    INTEGER: {"type": ["integer", "string"], "pattern": "^[0-9]+$"},
    IDS: {"type": "string", "pattern": "^[0-9]+(,[0-9]+)*$", "maxLength": 2000},
}
_REFERENCE = "#/components/schemas/{name}"


@cache
def document(title: str, address: str) -> dict[str, Any]:
    """Return the whole document. ``address`` is the shop's, without a path."""
    answers = [kind for topic in TOPICS for kind in topic.types]
    typed = [kind for kind in answers if not isinstance(kind, dict)]
    schemas, components = msgspec.json.schema_components([*typed, ErrorAnswer], ref_template=_REFERENCE)
    refusal = schemas[-1]
    shapes = [*schemas, *(kind for kind in answers if isinstance(kind, dict))]
    with override("en"):
        bodies = {topic.name: _body(topic) for topic in TOPICS}
    components |= {f"{name}_call": body for name, body in bodies.items()}
    calls = {
        "oneOf": [{"$ref": _REFERENCE.format(name=f"{name}_call")} for name in bodies],
        "discriminator": {
            "propertyName": "action",
            "mapping": {name: _REFERENCE.format(name=f"{name}_call") for name in bodies},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{title}: reseller API", "version": "2", "description": "Panel API v2 with safe retries."},
        "servers": [{"url": address}],
        "paths": {"/api/v2": {"post": _post(calls, shapes, refusal)}},
        "components": {"schemas": components},
    }


def _post(calls: dict[str, Any], answers: list[Any], refusal: Any) -> dict[str, Any]:
    return {
        "operationId": "call",
        "summary": "Every action: the field action says which",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same as request_id, for add, refill, cancel and createTicket",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": calls}, "application/json": {"schema": calls}},
        },
        "responses": {
            "200": {
                "description": "The answer, or a refusal",
                "content": {"application/json": {"schema": {"anyOf": answers}}},
            },
            "304": {"description": "The list of services is the one that If-None-Match names"},
            "308": {
                "description": "Plain http, where the shop has https: the same call belongs there",
                "content": {"application/json": {"schema": refusal}},
            },
            "429": {
                "description": "Over the limit",
                "headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}},
                "content": {"application/json": {"schema": refusal}},
            },
        },
    }


def _body(topic: Topic) -> dict[str, Any]:
    parameters = {
        p.name: {**_KINDS.get(p.kind, {"type": "string"}), "description": str(p.meaning)} for p in topic.parameters
    }
    if topic.name == "add":
        every = (name for kind in SERVICE_TYPES for name in kind.fields)
        parameters |= {name: {"type": ["string", "integer"]} for name in every if name not in parameters}
    return {
        "type": "object",
        "title": topic.name,
        "description": str(topic.text),
        "properties": {"key": {"type": "string"}, "action": {"const": topic.name}, **parameters},
        "required": ["key", "action", *(p.name for p in topic.parameters if p.is_required)],
        "x-scope": ACTIONS[topic.name].scope.value,
    }
