"""Passwords are hashed a few at a time, so that many sign-ins at once do not use up the memory of a container."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, identify_hasher, make_password
from django.test import override_settings

from accounts.hashers import AT_ONCE, PatientArgon2PasswordHasher
from storefront.settings import PASSWORD_HASHERS

PASSWORD = "correct horse battery staple"


def test_a_third_hash_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Semaphore(0), threading.Semaphore(0)

    def argon2(_hasher: Argon2PasswordHasher, _password: str, _salt_or_encoded: str) -> bool:
        begun.release()
        return may_end.acquire(timeout=10)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", argon2)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", argon2)
    hasher = PatientArgon2PasswordHasher()
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        # A new password and guesses share the turns.
        hashes: list[Future[str] | Future[bool]] = [pool.submit(hasher.encode, PASSWORD, "salt")]
        hashes += [pool.submit(hasher.verify, PASSWORD, "hash") for _guess in range(AT_ONCE)]
        for _turn in range(AT_ONCE):
            assert begun.acquire(timeout=10)
        assert not begun.acquire(timeout=0.2)
        may_end.release()
        assert begun.acquire(timeout=10)
        may_end.release(AT_ONCE)
        assert all(done.result(timeout=10) for done in hashes)


def test_a_turn_ends_with_an_error() -> None:
    hasher = PatientArgon2PasswordHasher()
    for _time in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="not enough values"):
            hasher.verify(PASSWORD, "no hash")


@override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS)
def test_hashes_of_before_are_read_and_new_ones_are_the_same_kind() -> None:
    before = Argon2PasswordHasher().encode(PASSWORD, Argon2PasswordHasher().salt())
    assert check_password(PASSWORD, before)
    assert not check_password("wrong", before)
    now = make_password(PASSWORD)
    assert isinstance(identify_hasher(now), PatientArgon2PasswordHasher)
    assert check_password(PASSWORD, now)
    assert not PatientArgon2PasswordHasher().must_update(before)
    assert now.split("$")[:4] == before.split("$")[:4]
