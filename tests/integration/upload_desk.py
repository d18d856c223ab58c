"""Where pictures are handed in, in this process."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from domain.media.item import ItemState
from entrypoints.http.http_settings import HttpSettings
from tests.integration.http_desk import Answer, HttpDesk

LIMIT: Final = 2_000_000
BOUNDARY: Final = "a-boundary"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={BOUNDARY}"
# What no two pictures share.
_OWN: Final = ("id", "url", "created_at")


class UploadDesk:
    """Takes the uploads of one signed-in user."""

    def __init__(self, desk: HttpDesk) -> None:
        self._desk = desk
        self._token = desk.token()
        (owner,) = desk.house.database.identities
        self.user_id = owner

    def post(
        self,
        chunks: Sequence[bytes],
        content_type: str = CONTENT_TYPE,
        *,
        announced: int | None = None,
        goes_away: bool = False,
    ) -> Answer:
        """Send a form; the answer is without what no two pictures share."""
        length = sum(map(len, chunks)) if announced is None else announced
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": content_type,
            "content-length": str(length),
        }
        answer = self._desk.post("/library/upload", chunks, headers, goes_away=goes_away)
        told = {name: value for name, value in answer.told.items() if name not in _OWN}
        return replace(answer, told=told)

    def kept(self) -> Counter[str]:
        """How many items there are in each state; each has its file, and no other file is there."""
        items = [one.value for one in self._desk.house.database.media_items.values()]
        assert {one.storage_key for one in items} == set(self._desk.house.files.kept)
        return Counter(one.state.value for one in items)


@contextmanager
def open_upload_desk() -> Iterator[UploadDesk]:
    """A desk at whose end only whole items are there."""
    with asyncio.Runner() as runner:
        desk = HttpDesk(runner, HttpSettings("1", "http://test", LIMIT))
        uploads = UploadDesk(desk)
        yield uploads
        assert set(uploads.kept()) <= {ItemState.READY.value}
        desk.close()
