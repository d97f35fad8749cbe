from typing import Any

import pytest


@pytest.fixture(autouse=True)
def is_demo(settings: Any) -> None:
    """Only the demo offers methods in test mode, and the demo's gateway has no other."""
    settings.DEMO = True
