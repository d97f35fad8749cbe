from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User
from api import limits, wrong_keys
from catalog.models import Service
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders, customer, stock
from tests.pages.conftest import axe_problems, quiet_page, sign_in

__all__ = ["quiet_page", "sign_in"]


@pytest.fixture(autouse=True)
def no_limit(settings: Any) -> None:
    """No story here but those about limits meets one; each finds fresh buckets in this process."""
    settings.API_RATE_PER_MINUTE = 0
    limits._own, limits._shared = limits.OwnBuckets(), limits._Shared()
    wrong_keys._waiting.clear()
    wrong_keys._right.clear()


@pytest.fixture
def services(db: None) -> list[Service]:
    return stock()


@pytest.fixture
def alice(db: None) -> User:
    return customer()


@pytest.fixture
def bob(db: None) -> User:
    return customer("bob@example.com")


@pytest.fixture
def orders(alice: User, services: list[Service]) -> Orders:
    return Orders(alice, services[0])


@pytest.fixture
def api(alice: User) -> Panel:
    return Panel(key_for(alice))


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    return axe_problems
