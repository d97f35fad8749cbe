"""`python -m storefront.demo` runs the shop; `python -m storefront.demo reset` forgets its data."""

import sys

from storefront.demo.plan import demo_folder
from storefront.demo.problems import DemoProblem
from storefront.demo.run import run
from storefront.embedded.errors import EmbeddedError
from storefront.embedded.place import kept_place


def reset() -> None:
    place = kept_place(demo_folder())
    lock = place.lock()
    if not lock.take():
        raise DemoProblem("The demo is running. Stop it first (Ctrl-C).")
    place.end_left_over()
    place.forget()
    print("The demo's data is forgotten. A database named by DATABASE_URL is left as it is.")


def main() -> None:
    deeds = {"run": run, "reset": reset}
    asked = sys.argv[1] if len(sys.argv) > 1 else "run"
    if asked not in deeds:
        raise SystemExit(f"unknown: {asked}. Use one of: {', '.join(deeds)}")
    try:
        deeds[asked]()
    except (DemoProblem, EmbeddedError) as problem:
        raise SystemExit(f"demo: {problem}") from None


if __name__ == "__main__":
    main()
