"""What a container's health check concludes from the shop's answer."""

import subprocess
import sys

import pytest
from pytest_django.live_server_helper import LiveServer

from core.clock import database_now
from notices.heartbeats import beat
from tests.ops.tools import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "storefront.probe", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_a_shop_that_answers_is_healthy(live_server: LiveServer) -> None:
    assert probe(f"{live_server.url}/healthz").returncode == 0


def test_a_silent_sweep_fails_the_check_that_asks_for_it(live_server: LiveServer) -> None:
    url = f"{live_server.url}/readyz"
    assert probe(url).returncode == 0
    done = probe(url, "redis", "sweep")
    assert (done.returncode, done.stderr.strip()) == (1, "sweep is silent")
    beat("sweep", now=database_now())
    assert probe(url, "redis", "sweep").returncode == 0


def test_a_closed_port_is_not_healthy() -> None:
    done = probe("http://127.0.0.1:9/healthz")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
