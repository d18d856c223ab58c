"""How many documents MongoDB writes for a sign-in."""

from typing import Any, Final

from pymongo import MongoClient

from tests.benchmarks.speed.cells import SignIns

_SECONDS: Final = 2
_WRITES: Final = ("inserted", "updated", "deleted")


def count_documents(sign_ins: SignIns) -> float:
    """Sign in one after the other, and return the documents written for each sign-in.

    The server should have no other work.
    """
    with MongoClient[dict[str, Any]](sign_ins.server.settings["DIALTONE_DATABASE"]) as client:
        # What was requested before is written, and the limits of the IPs exist.
        sign_ins.measure(connections=1, seconds=1)
        before = _count_written(client)
        sample = sign_ins.measure(connections=1, seconds=_SECONDS)
        return (_count_written(client) - before) / sample.responses


def _count_written(client: MongoClient[dict[str, Any]]) -> int:
    counters = client.admin.command("serverStatus")["metrics"]["document"]
    return sum(counters[name] for name in _WRITES)
