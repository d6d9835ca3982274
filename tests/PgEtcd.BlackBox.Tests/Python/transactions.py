"""Transactions: compares of all kinds, both branches, put_if_not_exists, replace, a counter that many raise."""

import threading

from common import connect, equal

client = connect()
tx = client.transactions


def compares_choose_the_branch():
    revision = client.put("/t/a", "1").header.revision
    cases = [
        (tx.value("/t/a") == "1", True),
        (tx.value("/t/a") != "1", False),
        (tx.value("/t/a") > "0", True),
        (tx.version("/t/a") == 1, True),
        (tx.version("/t/a") < 1, False),
        (tx.create("/t/a") == revision, True),
        (tx.create("/t/absent") == 0, True),
        (tx.mod("/t/a") > revision, False),
        (tx.mod("/t/a") == revision, True),
    ]
    for number, (compare, expected) in enumerate(cases):
        succeeded, answers = client.transaction(
            compare=[compare],
            success=[tx.put("/t/branch", "success"), tx.get("/t/branch")],
            failure=[tx.put("/t/branch", "failure"), tx.get("/t/branch")],
        )
        equal(succeeded, expected, f"compare {number}")
        equal(answers[1][0][0], b"success" if expected else b"failure", f"the branch of compare {number}")
    equal(client.transaction(compare=[c for c, _ in cases], success=[], failure=[])[0], False, "all compares must hold")


def deletes_and_gets_see_what_came_before_them():
    for i in range(3):
        client.put(f"/t/range/{i}", str(i))
    succeeded, answers = client.transaction(
        compare=[], success=[tx.get("/t/range/", range_end="/t/range0"), tx.delete("/t/range/1"), tx.get("/t/range/1")], failure=[]
    )
    equal(succeeded, True, "no compare")
    equal([value for value, _ in answers[0]], [b"0", b"1", b"2"], "a range before the delete")
    equal(answers[2], [], "a get behind the delete")


def put_if_not_exists_and_replace_do_what_they_say():
    equal(client.put_if_not_exists("/t/new", "1"), True, "the first put_if_not_exists")
    equal(client.put_if_not_exists("/t/new", "2"), False, "the second")
    equal(client.replace("/t/new", "1", "3"), True, "replace of the value that is there")
    equal(client.replace("/t/new", "1", "4"), False, "replace of one that is not")
    equal(client.get("/t/new")[0], b"3", "the value in the end")


def a_counter_that_many_raise_loses_nothing():
    client.put("/t/counter", "0")

    def work():
        own = connect()
        for _ in range(25):
            while True:
                now = own.get("/t/counter")[0].decode()
                if own.replace("/t/counter", now, str(int(now) + 1)):
                    break

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    value, meta = client.get("/t/counter")
    equal((value, meta.version), (b"100", 101), "a counter raised 4 x 25 times, and its version")


compares_choose_the_branch()
deletes_and_gets_see_what_came_before_them()
put_if_not_exists_and_replace_do_what_they_say()
a_counter_that_many_raise_loses_nothing()
