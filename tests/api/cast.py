"""Somebody with a key, and the two ways clients speak: form fields and JSON."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.api_keys import create_key
from accounts.models import ApiKey, User
from core.clock import database_now


def key_for(who: User, **options: Any) -> str:
    options = {"name": "bot", **options}
    return create_key(customer=who, now=database_now(), **options).plain


def row_of(key: str) -> ApiKey:
    return ApiKey.objects.get(prefix=key[:8])


@dataclass
class Panel:
    """The shop as a client sees it."""

    key: str
    client: Client = field(default_factory=Client)
    path: str = "/api/v2"

    def post(self, action: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        return self.client.post(self.path, {"key": self.key, "action": action, **fields}, headers=headers or {})

    def __call__(self, action: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        """The answer to one call, in form fields; HTTP 200 whatever it says."""
        answer = self.post(action, headers=headers, **fields)
        assert answer.status_code == 200, answer.content
        assert answer["Content-Type"] == "application/json"
        return answer.json()

    def json(self, action: str, **fields: Any) -> Any:
        body = json.dumps({"key": self.key, "action": action, **fields})
        answer = self.client.post(self.path, body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()
