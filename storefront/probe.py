"""Health checks of containers: `python -m storefront.probe URL [CHECK...]` exits 0 when the address answers well.

With checks named, as /readyz lists them, each of them has to be "ok".
"""

import json
import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen


def main() -> None:
    url, *wanted = sys.argv[1:]
    # Django answers only to its own names, whatever address a container reaches it by.
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
