"""Watches: callbacks, prefixes, previous values, history, compaction, cancel, iterators."""

import threading

import etcd3

from common import Events, connect, describe, equal

client = connect()
writer = connect()


def callbacks_see_puts_and_deletes_in_order():
    one, all_below = Events(), Events()
    ids = [
        client.add_watch_callback("/order/a", one),
        client.add_watch_prefix_callback("/order/", all_below),
    ]
    for i in range(100):
        writer.put("/order/a", str(i))
        writer.put("/order/b", str(i))
    writer.delete("/order/a")
    equal(
        one.take_all(101, "one key"),
        [("put", "/order/a", str(i)) for i in range(100)] + [("delete", "/order/a", "")],
        "a watch of one key",
    )
    equal(
        all_below.take_all(201, "a prefix"),
        [("put", key, str(i)) for i in range(100) for key in ("/order/a", "/order/b")]
        + [("delete", "/order/a", "")],
        "a watch of a prefix",
    )
    # On one stream: what is in order on the second watch is behind all of the first.
    for watch in ids:
        client.cancel_watch(watch)
    writer.put("/order/a", "unseen")
    marker = Events()
    client.add_watch_callback("/order/marker", marker)
    writer.put("/order/marker", "")
    marker.take("a put behind a cancelled watch")
    one.nothing_more("a cancelled watch")
    all_below.nothing_more("a cancelled watch")


def a_transaction_is_seen_whole_at_one_revision():
    events = Events()
    client.add_watch_prefix_callback("/txn/", events)
    put = client.transactions.put
    writer.transaction(compare=[], success=[put("/txn/1", "x"), put("/txn/2", "y"), put("/txn/3", "z")], failure=[])
    seen = [events.take("a transaction") for _ in range(3)]
    equal([describe(e) for e in seen], [("put", f"/txn/{i}", v) for i, v in ((1, "x"), (2, "y"), (3, "z"))], "its events")
    equal(len({e.mod_revision for e in seen}), 1, "its revisions")


def previous_values_come_with_live_events_and_with_history():
    writer.put("/prev", "1")
    start = writer.put("/prev", "2").header.revision
    writer.delete("/prev")
    writer.put("/prev", "3")
    expected = [b"1", b"2", b"", b"3"]
    past, live = Events(), Events()
    client.add_watch_callback("/prev", past, start_revision=start, prev_kv=True)
    client.add_watch_callback("/prev", live, prev_kv=True)
    writer.put("/prev", "4")
    equal([past.take("history").prev_value for _ in expected], expected, "previous values of history")
    equal(live.take("a live event").prev_value, b"3", "the previous value of a live event")


def a_watch_from_the_future_begins_there():
    now = writer.put("/future", "now").header.revision
    events = Events()
    client.add_watch_callback("/future", events, start_revision=now + 3)
    for i in range(1, 5):
        writer.put("/future", f"+{i}")
    equal(events.take_all(2, "the future"), [("put", "/future", "+3"), ("put", "/future", "+4")], "from now + 3")


def a_compacted_start_is_refused_with_the_revision_to_start_from():
    old = writer.put("/compacted", "1").header.revision
    now = writer.put("/compacted", "2").header.revision
    writer.compact(now)
    refused = threading.Event()
    compacted_to = []

    def callback(response):
        if isinstance(response, etcd3.exceptions.RevisionCompactedError):
            compacted_to.append(response.compacted_revision)
            refused.set()

    client.add_watch_callback("/compacted", callback, start_revision=old)
    equal(refused.wait(15), True, "a watch from a compacted revision is told")
    equal(compacted_to, [now], "the revision it is told")
    events = Events()
    client.add_watch_callback("/compacted", events, start_revision=now)
    equal(events.take_all(1, "from the compacted revision on"), [("put", "/compacted", "2")], "from the compacted revision on")


def iterators_and_watch_once_work():
    events, cancel = client.watch_prefix("/iterator/")
    for i in range(5):
        writer.put(f"/iterator/{i}", "")
    equal([next(events).key.decode() for _ in range(5)], [f"/iterator/{i}" for i in range(5)], "an iterator")
    cancel()
    timer = threading.Timer(0.3, lambda: writer.put("/once", "there"))
    timer.start()
    equal(describe(client.watch_once("/once", timeout=15)), ("put", "/once", "there"), "watch_once")
    timer.join()
    try:
        client.watch_once("/never", timeout=0.2)
        equal("an event", "WatchTimedOut", "watch_once of a key that nobody puts")
    except etcd3.exceptions.WatchTimedOut:
        pass


callbacks_see_puts_and_deletes_in_order()
a_transaction_is_seen_whole_at_one_revision()
previous_values_come_with_live_events_and_with_history()
a_watch_from_the_future_begins_there()
a_compacted_start_is_refused_with_the_revision_to_start_from()
iterators_and_watch_once_work()
