"""Start the servers that the environment does not name."""

import os
from dataclasses import dataclass, field

from storefront.embedded.place import ServerPlace
from storefront.embedded.postgres import Postgres
from storefront.embedded.redis import Redis


@dataclass
class Services:
    """The three URLs as the environment names them, and the servers that we started and have to stop."""

    database_url: str
    database_owner_url: str
    redis_url: str
    started: list[Postgres | Redis] = field(default_factory=list)

    def stop(self) -> None:
        while self.started:
            self.started.pop().stop()

    def described(self) -> str:
        """The programs, without URLs, which may contain a password."""
        ours = [server.program.label for server in self.started]
        return ", ".join(ours if len(ours) == 2 else [*ours, "named by the environment"])

    def dead_server(self) -> str | None:
        """The name of a server that died without being stopped; None if all are alive."""
        return next((server.program.label for server in self.started if not server.alive), None)


def start_missing(place: ServerPlace, *, durable: bool) -> Services:
    """Use DATABASE_URL and REDIS_URL if they are set; start a server in `place` for each that is not.

    The caller holds the place's lock. Raises EmbeddedError, with nothing left running.
    """
    given = os.environ.get
    services = Services(given("DATABASE_URL", ""), given("DATABASE_OWNER_URL", ""), given("REDIS_URL", ""))
    try:
        if not services.database_url:
            postgres = place.postgres(durable=durable)
            services.started.append(postgres)
            postgres.start()
            services.database_url, services.database_owner_url = postgres.url, postgres.owner_url
        if not services.redis_url:
            redis = place.redis(durable=durable)
            services.started.append(redis)
            redis.start()
            services.redis_url = redis.url
    except BaseException:
        services.stop()
        raise
    return services
