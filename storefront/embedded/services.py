"""Start what the environment does not name, and say where it is."""

import os
from dataclasses import dataclass, field

from storefront.embedded.place import Place
from storefront.embedded.postgres import Postgres
from storefront.embedded.redis import Redis


@dataclass
class Services:
    """Addresses for DATABASE_URL and REDIS_URL, and the servers among them that are ours to stop."""

    database_url: str
    redis_url: str
    started: list[Postgres | Redis] = field(default_factory=list)

    def stop(self) -> None:
        while self.started:
            self.started.pop().stop()

    def described(self) -> str:
        """Which programs serve, without addresses: those of a named service hold its password."""
        ours = [server.program.label for server in self.started]
        return ", ".join(ours if len(ours) == 2 else [*ours, "named by the environment"])

    def fallen(self) -> str | None:
        """The program that died though nobody stopped it."""
        return next((server.program.label for server in self.started if not server.alive), None)


def start_missing(place: Place, *, durable: bool) -> Services:
    """DATABASE_URL and REDIS_URL count when they are set; for each that is not, a server starts in `place`.

    The caller holds the place's lock. Raises EmbeddedError, with nothing left running.
    """
    services = Services(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", ""))
    try:
        if not services.database_url:
            postgres = place.postgres(durable=durable)
            services.started.append(postgres)
            postgres.start()
            services.database_url = postgres.url
        if not services.redis_url:
            redis = place.redis(durable=durable)
            services.started.append(redis)
            redis.start()
            services.redis_url = redis.url
    except BaseException:
        services.stop()
        raise
    return services
