"""`make demo` as a newcomer meets it: it starts, prints how to sign in, stops without a trace, and starts again."""

import signal
import subprocess
import sys

from tests.ops.demo import Demo
from tests.ops.tools import ROOT


def test_demo_starts_stops_without_a_trace_and_keeps_its_data(demo: Demo) -> None:
    demo.start()
    assert demo.banner_value("Shop") == f"http://localhost:{demo.port}/"
    first_login = demo.banner_value("Customer")
    assert "customer@example.com" in first_login
    assert "owner@example.com" in demo.banner_value("Owner")
    assert demo.page("/healthz") == "ok\n"
    assert "Corner" in demo.page("/")
    assert "<h1" in demo.page_at(demo.banner_value("Provider").split()[0])
    assert "Credited 100.00" in demo.log

    assert demo.stop(signal.SIGINT) == 0
    assert demo.processes() == []
    assert "Traceback" not in demo.log

    demo.start()
    assert demo.banner_value("Customer") == first_login
    assert "The opening credit was given before" in demo.log
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.processes() == []


def test_a_second_demo_of_the_same_folder_is_refused(demo: Demo) -> None:
    demo.start()
    again = subprocess.run(
        [sys.executable, "-m", "storefront.demo"], cwd=ROOT, env=demo.env, capture_output=True, text=True, timeout=30
    )
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert demo.page("/healthz") == "ok\n"
