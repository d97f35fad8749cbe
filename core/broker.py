"""Putting messages to the broker. Each is a doorbell: it carries nothing, and whoever hears it does all that is due.

So messages that wait unheard are as good as one. They are counted instead of given a time to live: a message's age is
told by the clock of the machine that hears it, and a worker whose clock is ahead would throw away every one, and take
them from the others.
"""

from typing import Any

from celery import current_app
from celery.beat import ScheduleEntry, Scheduler
from kombu.exceptions import ChannelError
from kombu.transport.redis import Channel

#: With so many waiting in a queue, one more would only be another to throw away when its workers are back.
ENOUGH = 20

# A message in hand as the connection ends is not worth putting back: the next sweep rings anew. And a worker that tries
# to, while Redis is away, can meet an error that Celery does not take for a lost connection, and ends.
Channel.do_restore = False


def publish(task: str, *, queue: str | None = None) -> bool:
    """Put the message named ``task``; False when enough wait in its queue already.

    Raises whatever the transport raises when the broker is away.
    """
    if waiting(queue or queue_of(task)) >= ENOUGH:
        return False
    current_app.send_task(task, queue=queue, ignore_result=True)
    return True


def queue_of(task: str) -> str:
    """The queue to which the settings route a task."""
    name: str = current_app.amqp.router.route({}, task)["queue"].name
    return name


def waiting(queue: str) -> int:
    """How many messages lie in a queue unheard."""
    with current_app.producer_pool.acquire(block=True) as producer:
        try:
            found: int = producer.channel.queue_declare(queue, passive=True).message_count
        except ChannelError:
            return 0  # a queue comes to be with its first message
        return found


class Timetable(Scheduler):
    """Celery's timetable in memory, which stops ringing while nobody hears."""

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        if waiting(queue_of(entry.task)) >= ENOUGH:
            return None
        return super().apply_async(entry, producer=producer, advance=advance, **options)
