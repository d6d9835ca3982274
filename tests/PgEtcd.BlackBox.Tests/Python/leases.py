"""Leases: grant, keys, refresh, revoke, expiry, moving a key from one lease to another."""

import time

from common import Events, connect, describe, equal, eventually

client = connect()
events = Events()
client.add_watch_prefix_callback("/lease/", events)


def keys_vanish_when_their_lease_expires_and_a_watch_sees_it():
    lease = client.lease(2)
    start = time.monotonic()
    equal((lease.ttl, lease.granted_ttl), (2, 2), "TTL")
    for key in "ab":
        client.put(f"/lease/{key}", "1", lease=lease)
    equal(sorted(lease.keys), [b"/lease/a", b"/lease/b"], "keys of a lease")
    equal([e[0] for e in events.take_all(2, "puts")], ["put"] * 2, "puts")
    gone = [events.take("expiry") for _ in range(2)]
    took = time.monotonic() - start
    equal(1.9 < took < 60, True, f"keys of a lease of 2 s vanish in time ({took:.1f} s)")
    equal([describe(e) for e in gone], [("delete", f"/lease/{key}", "") for key in "ab"], "deletes of an expiry")
    equal(gone[0].mod_revision, gone[1].mod_revision, "all keys of a lease go at one revision")
    equal(client.get("/lease/a")[0], None, "a key whose lease expired")
    equal(lease.remaining_ttl, -1, "TTL of a lease that expired")
    equal([answer.TTL for answer in lease.refresh()], [0], "refresh of a lease that expired")


def refreshing_keeps_it_alive():
    lease = client.lease(4)
    client.put("/lease/kept", "1", lease=lease)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        equal([(answer.ID, answer.TTL) for answer in lease.refresh()], [(lease.id, 4)], "a refresh")
        time.sleep(0.5)
    equal(client.get("/lease/kept")[0], b"1", "a key whose lease is refreshed")
    seconds = eventually(lambda: client.get("/lease/kept")[0] is None, "it goes when it is not refreshed any more")
    equal(seconds > 1, True, f"but not at once ({seconds:.1f} s)")
    equal(events.take_all(2, "kept"), [("put", "/lease/kept", "1"), ("delete", "/lease/kept", "")], "events of the key")


def revoking_takes_the_keys_at_once():
    lease = client.lease(600, lease_id=0x1234567)
    equal(lease.id, 0x1234567, "a lease id of our choice")
    client.put("/lease/revoked", "1", lease=lease)
    lease.revoke()
    equal(client.get("/lease/revoked")[0], None, "a key whose lease was revoked")
    equal(events.take_all(2, "revoked"), [("put", "/lease/revoked", "1"), ("delete", "/lease/revoked", "")], "events of the key")


def a_key_moves_to_another_lease_and_leaves_it():
    old, new = client.lease(600), client.lease(600)
    client.put("/lease/moved", "1", lease=old)
    client.put("/lease/moved", "2", lease=new)
    equal((list(old.keys), list(new.keys)), ([], [b"/lease/moved"]), "keys of both leases")
    old.revoke()
    equal(client.get("/lease/moved")[0], b"2", "a key that left its lease before that was revoked")
    client.put("/lease/moved", "3")
    new.revoke()
    equal(client.get("/lease/moved")[0], b"3", "a key that was put without a lease")
    events.take_all(3, "moved")


keys_vanish_when_their_lease_expires_and_a_watch_sees_it()
refreshing_keeps_it_alive()
revoking_takes_the_keys_at_once()
a_key_moves_to_another_lease_and_leaves_it()
events.nothing_more("a watch of all keys with leases")
