"""A worker of jobs in a process of its own, which is killed in the middle of a transaction."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

from core.clock import database_now
from orders.models import Job
from orders.states import JobItemState
from tests.stack.running import ROOT, database_url

#: A worker that kills itself in the middle of a transaction, once it has done so many objects of that kind of job.
DYING_WORKER = """
import dataclasses, os, signal, sys
import django
django.setup()
from orders.jobs import kinds, running
kind, done = kinds._KINDS[sys.argv[2]], []
def act_or_die(job, item, now):
    message = kind.act(job, item, now)
    done.append(item.object_id)
    if len(done) > int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return message
kinds._KINDS[kind.name] = dataclasses.replace(kind, act=act_or_die)
running.run_due(seconds=60)
"""


def run_and_die(kind: str, after: int) -> None:
    """Let a worker of its own die in the middle of a transaction, after so many objects of this kind of job."""
    env = {**os.environ, "DATABASE_URL": database_url(), "DATABASE_OWNER_URL": ""}
    env["DJANGO_SETTINGS_MODULE"] = "storefront.settings"
    command = [sys.executable, "-c", DYING_WORKER, str(after), kind]
    worker = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert worker.returncode == -signal.SIGKILL, worker.stderr


def lapse(job: Job) -> None:
    """Let the leases of the dead run out."""
    job.items.filter(state=JobItemState.CLAIMED).update(leased_until=database_now() - timedelta(seconds=1))
