"""Who asks an audit's questions: two sessions of one moment, or a transaction alone."""

import pytest
from django.db import ProgrammingError, transaction

from billing.equations import Equation, check

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_sessions_share_an_audit_of_one_moment_and_a_transaction_does_it_alone() -> None:
    rows = "SELECT pg_current_snapshot()::text, pg_backend_pid()::text FROM pg_sleep(0.1)"
    asked = [Equation(f"question {n}", "", "SELECT 1", rows) for n in range(6)]
    shared = check(asked)
    assert [f.name for f in shared] == [e.name for e in asked]
    assert len({f.rows[0][0] for f in shared}) == 1
    assert len({f.rows[0][1] for f in shared}) == 2
    with transaction.atomic():
        assert len({f.rows[0][1] for f in check(asked)}) == 1


def test_what_goes_wrong_in_the_second_session_is_raised() -> None:
    slow = Equation("slow", "", "SELECT 1", "SELECT '', '' FROM pg_sleep(0.3)")
    wrong = Equation("wrong", "", "SELECT 1", "no SQL")
    with pytest.raises(ProgrammingError):
        check([slow, wrong])
