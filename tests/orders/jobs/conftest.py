import pytest

from accounts.models import User


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("owner@example.com", "correct horse battery")
