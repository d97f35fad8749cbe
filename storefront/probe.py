"""Health check for containers: `python -m storefront.probe URL [CHECK...]` exits 0 when the URL answers with success.

Each CHECK, as named by /readyz, must be "ok" too.
"""

import json
import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen


def main() -> None:
    url, *wanted = sys.argv[1:]
    # Django only accepts requests for ALLOWED_HOSTS, whatever address the container uses.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    try:
        with urlopen(Request(url, headers={"Host": host}), timeout=4) as answer:  # noqa: S310  # the operator's own url
            body = answer.read()
    except URLError as problem:
        raise SystemExit(f"{url}: {problem}") from None
    if wanted:
        checks = json.loads(body)["checks"]
        failing = [f"{name} is {checks.get(name, 'unknown')}" for name in wanted if checks.get(name) != "ok"]
        if failing:
            raise SystemExit(", ".join(failing))


if __name__ == "__main__":
    main()
