"""One call as a person would write it in four languages. Each of them runs as it is printed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

#: Where every sample finds the key, so that none of them holds it.
KEY_VARIABLE = "API_KEY"


@dataclass(frozen=True)
class Sample:
    language: str
    label: str
    code: str


def samples(address: str, fields: Mapping[str, str]) -> list[Sample]:
    """The call with ``fields`` (action first) to ``address``."""
    return [
        Sample("curl", "curl", _curl(address, fields)),
        Sample("php", "PHP", _php(address, fields)),
        Sample("python", "Python", _python(address, fields)),
        Sample("node", "Node", _node(address, fields)),
    ]


def _curl(address: str, fields: Mapping[str, str]) -> str:
    lines = [f"curl {shlex.quote(address)}", f"-d key=${KEY_VARIABLE}"]
    for name, value in fields.items():
        plain = value.replace("_", "").replace("-", "").isalnum()
        lines.append(f"-d {name}={value}" if plain else f"--data-urlencode {shlex.quote(f'{name}={value}')}")
    return " \\\n  ".join(lines)


def _php(address: str, fields: Mapping[str, str]) -> str:
    pairs = "".join(f"    {_single(name)} => {_single(value)},\n" for name, value in fields.items())
    return f"""<?php
$fields = http_build_query([
    'key' => getenv('{KEY_VARIABLE}'),
{pairs}]);
$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => 'Content-Type: application/x-www-form-urlencoded',
    'content' => $fields,
    'timeout' => 30,
]]);
$answer = file_get_contents({_single(address)}, false, $context);
print_r(json_decode($answer, true));
"""


def _python(address: str, fields: Mapping[str, str]) -> str:
    pairs = "".join(f"    {json.dumps(name)}: {json.dumps(value)},\n" for name, value in fields.items())
    return f"""import os
import requests

fields = {{
    "key": os.environ["{KEY_VARIABLE}"],
{pairs}}}
answer = requests.post({json.dumps(address)}, data=fields, timeout=30)
print(answer.json())
"""


def _node(address: str, fields: Mapping[str, str]) -> str:
    pairs = "".join(f"  {name}: {json.dumps(value)},\n" for name, value in fields.items())
    return f"""const fields = new URLSearchParams({{
  key: process.env.{KEY_VARIABLE},
{pairs}}});
const answer = await fetch({json.dumps(address)}, {{
  method: "POST",
  body: fields,
  signal: AbortSignal.timeout(30000),
}});
console.log(await answer.json());
"""


def _single(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
