"""Locks: one holder at a time, the second waits for the first, a dead holder's lock falls free with its lease."""

import threading
import time

import etcd3.locks

from common import connect, equal

# Debian's tenacity calls the wait function with one argument, python3-etcd3 0.12 has one of two: waiting raises
# TypeError. Nothing else is changed.
retry = etcd3.locks.tenacity.retry
etcd3.locks.tenacity.retry = lambda wait, **others: retry(
    wait=lambda state: wait(state.attempt_number, state.seconds_since_start), **others
)

first, second = connect(), connect()


def the_second_waits_until_the_first_lets_go():
    held = first.lock("one", ttl=30)
    equal(held.acquire(timeout=5), True, "a free lock")
    equal(held.is_acquired(), True, "a lock that is held")
    waiting = second.lock("one", ttl=30)
    equal(waiting.acquire(timeout=1), False, "a lock that another holds, waited for a second")
    equal(waiting.is_acquired(), False, "a lock that another holds")
    let_go = []

    def release():
        let_go.append(time.monotonic())
        held.release()

    timer = threading.Timer(1, release)
    timer.start()
    equal(waiting.acquire(timeout=15), True, "a lock that its holder lets go")
    equal(bool(let_go), True, "the second has the lock only after the first let go")
    timer.join()
    late = time.monotonic() - let_go[0]
    # The watch tells; without it the second would have waited out its fifteen seconds.
    equal(late < 12, True, f"the second has the lock soon after the first let go ({late:.1f} s)")
    equal((held.is_acquired(), waiting.is_acquired()), (False, True), "who holds it")
    equal(held.release(), False, "release by one who does not hold it")
    equal(waiting.release(), True, "release by the holder")


def a_lock_that_is_not_refreshed_falls_free():
    lost = first.lock("two", ttl=2)
    lost.acquire()
    start = time.monotonic()
    heir = second.lock("two", ttl=30)
    equal(heir.acquire(timeout=20), True, "a lock whose holder is gone")
    took = time.monotonic() - start
    equal(1.5 < took < 60, True, f"it falls free with the lease of 2 s ({took:.1f} s)")
    heir.release()


def a_lock_that_is_refreshed_is_kept():
    kept = first.lock("three", ttl=2)
    kept.acquire()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        equal(kept.refresh()[0].TTL, 2, "TTL of a refresh")
        equal(second.lock("three").acquire(timeout=0.3), False, "a lock that is refreshed")
    kept.release()


def many_threads_take_turns():
    inside, most, done = [0], [0], []

    def work():
        client = connect()
        for _ in range(3):
            with client.lock("many", ttl=30) as lock:
                equal(lock.is_acquired(), True, "a lock in a with statement")
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.01)
                inside[0] -= 1
        done.append(True)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    equal((most[0], len(done)), (1, 4), "most holders at a time, and threads that are done")


the_second_waits_until_the_first_lets_go()
a_lock_that_is_not_refreshed_falls_free()
a_lock_that_is_refreshed_is_kept()
many_threads_take_turns()
