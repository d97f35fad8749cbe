"""The order in which the demo comes up and goes down."""

import sys
import time

from storefront.demo.banner import banner
from storefront.demo.kept import kept
from storefront.demo.log import say
from storefront.demo.plan import Plan, asked_port, demo_folder
from storefront.demo.ports import LOOPBACK, is_ready, listens, require_free
from storefront.demo.problems import DemoProblem, Stopped
from storefront.demo.processes import Supervisor
from storefront.embedded.place import Place, kept_place
from storefront.embedded.services import Services, start_missing


def run() -> None:
    """Run until somebody stops it. Raises DemoProblem or EmbeddedError, with nothing left running."""
    port = asked_port()
    place = kept_place(demo_folder())
    lock = place.lock()
    if not lock.take():
        raise DemoProblem("The demo of this folder is running already. Stop it first, or use another clone.")
    require_free(port, "the shop")
    require_free(port + 1, "the simulated provider")
    plan = Plan(port, place.home, kept(place.home))
    supervisor = Supervisor()
    try:
        _run_in(place, plan, supervisor)
    finally:
        lock.close()


def _run_in(place: Place, plan: Plan, supervisor: Supervisor) -> None:
    services = start_missing(place, durable=True)
    try:
        supervisor.check()
        say("demo", f"Postgres and Redis: {services.described()}")
        _open(plan, services, supervisor)
        for line in banner(plan):
            say("demo", line)
        supervisor.watch(services.fallen)
    except Stopped:
        say("demo", "stopping")
    finally:
        supervisor.stop()
        services.stop()
        place.close_door()
    say("demo", "stopped; nothing is left running")


def _open(plan: Plan, services: Services, supervisor: Supervisor) -> None:
    plan.mail_folder.mkdir(exist_ok=True)
    plan.static_folder.mkdir(exist_ok=True)
    env = plan.environment(services)
    python = sys.executable
    supervisor.start("provider", [python, "manage.py", "simulate_provider", *plan.provider_options], env)
    supervisor.wait_until(lambda: listens(plan.provider_port), "The simulated provider", 60)
    supervisor.run("prepare", [python, "-m", "storefront.demo.prepare"], env)
    started = time.monotonic()
    supervisor.start("worker", [python, "-m", "celery", "-q", "-A", "storefront", "worker"], env)
    supervisor.start("beat", [python, "-m", "celery", "-q", "-A", "storefront", "beat"], env)
    bind = f"{LOOPBACK}:{plan.port}"
    supervisor.start("web", [python, "-m", "gunicorn", "storefront.wsgi", "--bind", bind], env)
    supervisor.wait_until(lambda: is_ready(plan.port, since=started), "A shop that is ready (web, worker and beat)", 90)
