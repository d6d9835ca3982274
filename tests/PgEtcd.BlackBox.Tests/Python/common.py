"""What the scripts share. Each is run as: script.py HOST PORT, with keys of its own; 0 is success."""

import queue
import sys
import time

import etcd3


def connect():
    """A client of its own, with connections of its own."""
    return etcd3.client(host=sys.argv[1], port=int(sys.argv[2]), timeout=60)


def equal(actual, expected, what):
    """Ends the script unless both are the same."""
    if actual != expected:
        sys.exit(f"{what}: got {actual!r}, expected {expected!r}")


def eventually(condition, what, limit=60):
    """Waits until the condition holds; gives the seconds that took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit:
            sys.exit(f"not within {limit} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - start


class Events:
    """A watch callback that keeps what it is called with, one event after another."""

    def __init__(self):
        self._events = queue.Queue()

    def __call__(self, response):
        if isinstance(response, Exception):
            self._events.put(response)
            return
        for event in response.events:
            self._events.put(event)

    def take(self, what, limit=60):
        """The next event."""
        try:
            return self._events.get(timeout=limit)
        except queue.Empty:
            sys.exit(f"no event within {limit} s: {what}")

    def take_all(self, count, what):
        """The next ones, as (kind, key, value)."""
        return [describe(self.take(f"{what}, event {i + 1} of {count}")) for i in range(count)]

    def nothing_more(self, what):
        """Ends the script if more has come."""
        if not self._events.empty():
            sys.exit(f"{what}: one more came: {describe(self._events.get())}")


def describe(event):
    """An event as a tuple that can be compared."""
    if isinstance(event, Exception):
        sys.exit(f"a watch ended with {event!r}")
    kind = "put" if isinstance(event, etcd3.events.PutEvent) else "delete"
    return kind, event.key.decode(), event.value.decode()
