"""Readiness checks the media store."""

from tests.support.app_harness import AppHarness
from tests.support.fakes.messenger import REJECTED


async def test_the_service_is_ready_with_media_store_and_messenger_or_without(
    app: AppHarness,
) -> None:
    working = await app.operations.check_readiness()
    assert working.parts == {"messages": None, "media": None}
    assert (working.database, working.is_ready) == (None, True)
    app.files.is_unavailable, app.messenger.result = True, REJECTED
    readiness = await app.operations.check_readiness()
    assert readiness.parts == {"messages": REJECTED.reason, "media": "unavailable"}
    assert (readiness.database, readiness.is_ready) == (None, True)
