"""Health checks of containers: `python -m storefront.probe URL [PART...]` exits 0 when the address answers well.

With parts named (as /readyz lists them, such as "beat"), each of them must have given a fresh sign of life.
"""

import json
import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen


def main() -> None:
    url, *parts = sys.argv[1:]
    # Django answers only to its own names, whatever address a container reaches it by.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    try:
        with urlopen(Request(url, headers={"Host": host}), timeout=4) as answer:  # noqa: S310  # the operator's own url
            body = answer.read()
    except URLError as problem:
        raise SystemExit(f"{url}: {problem}") from None
    if parts:
        alive = json.loads(body)["checks"]["parts"]
        silent = [part for part in parts if alive.get(part) != "ok"]
        if silent:
            raise SystemExit(f"no fresh sign of life: {', '.join(silent)}")


if __name__ == "__main__":
    main()
