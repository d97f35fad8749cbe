"""Measures the main pages of the demo with Lighthouse, as on a phone, and prints medians: `make lighthouse`.

Fails where a median is below its goal. Lighthouse and what it needs are in tools/lighthouse/package.json.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from tools.demo_shop import ROOT, demo_shop
from tools.screenshots import chromium, chromium_path, paths_of, sign_in

RUNS = 5
#: What each page has to reach, of 100.
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
FOLDER = ROOT / "tools" / "lighthouse"


@dataclass(frozen=True)
class Measured:
    """``scores`` are medians; ``faults`` are the audits that took points in the last run."""

    name: str
    scores: dict[str, int]
    faults: list[str]

    @property
    def is_good(self) -> bool:
        return all(score >= GOALS[name] for name, score in self.scores.items())


def measure(name: str, url: str, *, chrome: str, cookie: str = "") -> Measured:
    """Run Lighthouse RUNS times. With a ``cookie`` the page is a customer's, which no search engine sees."""
    wanted = [goal for goal in GOALS if goal != "seo" or not cookie]
    reports = [_run(url, wanted, chrome=chrome, cookie=cookie) for _n in range(RUNS)]
    scores = {goal: round(median(report["categories"][goal]["score"] * 100 for report in reports)) for goal in wanted}
    audits = reports[-1]["audits"].values()
    counted = {ref["id"] for goal in wanted for ref in reports[-1]["categories"][goal]["auditRefs"] if ref["weight"]}
    faults = [
        f"{audit['id']} {audit.get('displayValue', '')}".strip()
        for audit in audits
        if audit["id"] in counted and audit["score"] is not None and audit["score"] < 0.9  # noqa: PLR2004
    ]
    return Measured(name, scores, faults)


def _run(url: str, wanted: list[str], *, chrome: str, cookie: str) -> "dict[str, dict[str, dict[str, object]]]":
    flags = "--headless=new --disable-gpu" + (" --no-sandbox" if os.geteuid() == 0 else "")
    command = [str(FOLDER / "node_modules" / ".bin" / "lighthouse"), url, "--quiet", "--output=json"]
    command += [f"--only-categories={','.join(wanted)}", f"--chrome-flags={flags}"]
    if cookie:
        command.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    env = {**os.environ, "CHROME_PATH": chrome}
    done = subprocess.run(command, env=env, capture_output=True, text=True)  # noqa: S603
    if "NO_NAVSTART" in done.stderr:  # Chromium lost its own trace: that run measured nothing
        done = subprocess.run(command, env=env, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)
    report: dict[str, dict[str, dict[str, object]]] = json.loads(done.stdout)
    return report


def main() -> int:
    with demo_shop(collected=True) as shop:
        # 1. What to measure, and the session of a customer. This browser is closed before anything is measured.
        with chromium() as browser:
            page = browser.new_page()
            paths = paths_of(page, shop)
            sign_in(page, shop)
            cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies(shop.url))
        chrome = chromium_path()
        pages = [("home", "/", ""), ("service", paths["service"], ""), ("category", paths["category"], "")]
        pages.append(("order form", f"/order/?service={paths['number']}", cookie))
        # 2. A row for each page.
        print(f"{'page':<12}" + "".join(f"{goal:>16}" for goal in GOALS))
        is_good = True
        for name, path, session in pages:
            measured = measure(name, shop.url + path, chrome=chrome, cookie=session)
            print(f"{name:<12}" + "".join(f"{measured.scores.get(goal, '–'):>16}" for goal in GOALS), flush=True)
            for fault in measured.faults:
                print(f"    {fault}")
            is_good = is_good and measured.is_good
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
