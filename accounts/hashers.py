"""How passwords are hashed."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
_turns = threading.BoundedSemaphore(AT_ONCE)


class PatientArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's Argon2id, for at most AT_ONCE passwords in a process at a time; others wait for their turn.

    One hash takes 100 MB while it runs. Eight sign-ins at once, one for each thread of a web process, took 839 MB, and
    `docker-compose.yml` gives two such processes 1 GB. Two at once take 200 MB in each process, and are no slower in
    all: a hash has 8 lanes, more than most hosts have cores. Hashes and their name are Django's, so old ones are read.
    """

    def encode(self, password: str, salt: str) -> str:
        with _turns:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turns:
            return super().verify(password, encoded)
