import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.demo import Demo, two_free_ports


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "demo", two_free_ports())
    yield made
    if made.process.poll() is None:
        made.stop(signal.SIGTERM)
    made.reset()
