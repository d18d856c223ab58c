"""An export whose transfer breaks looks broken, and is in the audit as such."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from application.administration.operator import operating_system_user
from application.features.export.feature import Export, ExportFeature
from application.limits.file_reads import FileRead
from entrypoints.http.features.export.plugin import send_archive
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP

OPERATOR = operating_system_user("alice")


class OneClient:
    """A client that reads a few parts of the body, and then leaves."""

    def __init__(self, parts: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self._parts = parts
        self._has_left = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) > self._parts:
            self._has_left.set()
            await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any]:
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    @property
    def has_whole_body(self) -> bool:
        return self.sent[-1].get("more_body") is False


async def send_export(opening: AbstractAsyncContextManager[Export], client: OneClient) -> None:
    response = send_archive(lambda: opening, nullcontext(FileRead(CLIENT_IP)))
    await response({}, client.receive, client.send)  # type: ignore[arg-type]  # it does not use the scope


async def test_a_disconnect_adds_a_second_entry_to_the_audit() -> None:
    app = AppHarness()
    user = await app.add_user()
    await app.upload_image(user)
    client = OneClient(parts=2)

    await send_export(
        app.use_cases.of(ExportFeature).export_user(OPERATOR, user.identity.id, "ticket"), client
    )

    first, second = app.database.audit_entries
    assert (first.error, second.error) == (None, "interrupted_error")
    assert second.failed_entry_id == first.id
    assert not client.has_whole_body
    assert app.files.open_files == 0
