"""`python -m storefront.demo` runs the shop; `python -m storefront.demo reset` deletes its data."""

import sys

from storefront.demo.plan import demo_folder
from storefront.demo.run import run
from storefront.demo.stopping import DemoProblem
from storefront.embedded.errors import EmbeddedError
from storefront.embedded.place import kept_place


def reset() -> None:
    place = kept_place(demo_folder())
    lock = place.lock()
    if not lock.take():
        raise DemoProblem("The demo is running. Stop it first (Ctrl-C).")
    place.end_left_over()
    place.delete()
    print("The demo's data is deleted. A database named by DATABASE_URL is not touched.")


def main() -> None:
    commands = {"run": run, "reset": reset}
    name = sys.argv[1] if len(sys.argv) > 1 else "run"
    if name not in commands:
        raise SystemExit(f"Unknown command: {name}. Use one of: {', '.join(commands)}")
    try:
        commands[name]()
    except (DemoProblem, EmbeddedError) as problem:
        raise SystemExit(f"demo: {problem}") from None


if __name__ == "__main__":
    main()
