"""Sends messages to the broker. Each is a doorbell: it carries nothing, and the worker that takes it does all that is
due.

So many waiting messages are as good as one. They are counted instead of given a time to live: the age of a message is
measured by the clock of the worker that takes it, and one whose clock is ahead would discard every message.
"""

from typing import Any

from celery import current_app
from celery.beat import ScheduleEntry, Scheduler
from kombu.exceptions import ChannelError
from kombu.transport.redis import Channel

#: With this many waiting in a queue, one more would only be one more to discard when its workers are back.
ENOUGH = 20

# This changes kombu's class for the whole process, because it has no setting for it. A message in hand when the
# connection is lost is not worth putting back: the next sweep sends another. And a worker that tries to put it back
# while Redis is away can meet an AttributeError, which Celery does not take for a lost connection, and then it ends.
Channel.do_restore = False


def publish(task: str, *, queue: str | None = None) -> bool:
    """Send the message named ``task``; return False when enough wait in its queue already.

    Raises whatever the transport raises when the broker is away.
    """
    if waiting(queue or queue_of(task)) >= ENOUGH:
        return False
    current_app.send_task(task, queue=queue, ignore_result=True)
    return True


def queue_of(task: str) -> str:
    """Return the queue to which the settings route a task."""
    name: str = current_app.amqp.router.route({}, task)["queue"].name
    return name


def waiting(queue: str) -> int:
    """Return how many messages wait in a queue."""
    with current_app.producer_pool.acquire(block=True) as producer:
        try:
            found: int = producer.channel.queue_declare(queue, passive=True).message_count
        except ChannelError:
            return 0  # a queue is made with its first message
        return found


class Timetable(Scheduler):
    """Celery's timetable in memory, which sends nothing while enough messages wait."""

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        if waiting(queue_of(entry.task)) >= ENOUGH:
            return None
        return super().apply_async(entry, producer=producer, advance=advance, **options)
