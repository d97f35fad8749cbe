"""Start and stop the demo, in order."""

import sys
import time

from storefront.demo.banner import banner
from storefront.demo.credentials import load_credentials
from storefront.demo.log import say
from storefront.demo.plan import Plan, demo_folder, requested_port
from storefront.demo.ports import LOOPBACK, is_ready, listens, require_free
from storefront.demo.processes import Supervisor
from storefront.demo.stopping import DemoProblem, StopRequested
from storefront.embedded.place import kept_place
from storefront.embedded.services import Services, start_missing


def run() -> None:
    """Run until a signal stops it. Raises DemoProblem or EmbeddedError, with nothing left running."""
    # 1. Check that nothing is in the way.
    port = requested_port()
    place = kept_place(demo_folder())
    lock = place.lock()
    if not lock.take():
        raise DemoProblem("The demo of this folder is running already. Stop it first, or use another clone.")
    require_free(port, "the shop")
    require_free(port + 1, "the simulated provider")
    plan = Plan(port, place.home, load_credentials(place.home))
    supervisor = Supervisor()
    try:
        # 2. Start Postgres and Redis, then the shop.
        services = start_missing(place, durable=True)
        try:
            supervisor.check()
            say("demo", f"Postgres and Redis: {services.described()}")
            _start_processes(plan, services, supervisor)
            # 3. Run until a signal comes or something dies.
            for line in banner(plan):
                say("demo", line)
            supervisor.watch(services.dead_server)
        except StopRequested:
            say("demo", "stopping")
        finally:
            # 4. Stop everything.
            supervisor.stop()
            services.stop()
            place.remove_sockets()
        say("demo", "stopped; nothing is left running")
    finally:
        lock.close()


def _start_processes(plan: Plan, services: Services, supervisor: Supervisor) -> None:
    """Start the provider and the shop; return when the shop is ready. Raises StopRequested, DemoProblem."""
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
    supervisor.wait_until(lambda: is_ready(plan.port, since=started), "The shop (web, worker and beat)", 90)
