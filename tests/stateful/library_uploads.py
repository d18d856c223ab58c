"""Uploads that end well, badly or somewhere in between, and the sweeper that comes after them."""

import asyncio
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

from application.media.upload_image import UploadImageCommand
from application.principal import Principal
from application.use_cases import UseCases
from domain.errors import (
    Forbidden,
    ItemSaveFailed,
    MediaStorageFailed,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, MediaItem
from domain.media.page import MAX_PAGE_SIZE
from tests.stateful.library_desk import (
    EVERYTHING,
    UNDISTURBED,
    Flight,
    LibraryDesk,
    Plan,
    is_shown,
)
from tests.stateful.library_fate import Ending, Fate
from tests.stateful.library_model import Item, Upload
from tests.stateful.library_process import Outcome, by

_LEAVES_OPEN: Final = {Ending.DIES, Ending.LOST}
"""After one lost answer an upload still undoes what it did, if it lives and reaches anything."""


class UploadsDesk(LibraryDesk):
    """Uploads, time and sweeps."""

    def upload(self, upload: Upload, plan: Plan = UNDISTURBED) -> None:
        """Upload; one that halts is under way from then on."""
        picture = BytesIO(upload.content)

        def run(cases: UseCases, who: Principal) -> Any:
            return cases.upload_image(
                UploadImageCommand(who, upload.owner, picture, upload.category)
            )

        async def begun() -> Flight:
            fate = Fate(*plan)
            task = self.process.begin(by(self.tokens[upload.principal], run), fate)
            halted = asyncio.create_task(fate.halted.wait())
            await asyncio.wait({task, halted}, return_when=asyncio.FIRST_COMPLETED)
            halted.cancel()
            return Flight(upload, fate, task)

        flight = self.wait_for(begun())
        if flight.task.done():
            self._was_tried(upload, flight.task.result())
        else:
            self.flights.append(flight)
            self._look_for(upload)

    def new_serial(self) -> int:
        """A number that no other upload has."""
        self.serials += 1
        return self.serials

    def _was_tried(self, upload: Upload, outcome: Outcome) -> None:
        if outcome.is_done:
            self._was_acknowledged(upload, outcome.value.item)
        elif outcome.struck and outcome.ending in _LEAVES_OPEN:
            if outcome.killed:
                self.crash()
            self._look_for(upload)
        elif outcome.struck:
            assert isinstance(outcome.error, MediaStorageFailed | ItemSaveFailed | Unavailable)
        elif upload.principal != upload.owner and upload.principal not in self.chiefs:
            assert isinstance(outcome.error, Forbidden)
        else:
            assert isinstance(outcome.error, UserNotFound)
            assert upload.owner not in self.model.living

    def land(self, flight: Flight) -> None:
        """Let a slow upload come to its end."""
        self.flights.remove(flight)
        upload = flight.upload
        flight.fate.let_go.set()
        outcome = self.wait_for(flight.landed())
        if outcome.is_done:
            over = outcome.value.item.created + UPLOAD_TIMEOUT
            # What a sweep found with its lease over is never finished, nor what is stored late.
            assert upload.item or all(at < over for at in flight.swept)
            assert flight.fate.halted_at != "write" or self.clock.now() < over
            self._was_acknowledged(upload, outcome.value.item)
        else:
            assert isinstance(outcome.error, ItemSaveFailed | Unauthenticated | UserNotFound)
            is_late = self.clock.now() >= upload.begun + UPLOAD_TIMEOUT
            assert is_late or not {upload.principal, upload.owner} <= self.model.living
            assert upload.item is None
            self.may_be_counted(upload)

    def _was_acknowledged(self, upload: Upload, told: MediaItem) -> None:
        item = self._as_asked(upload, told)
        if upload.item is None and upload.owner in self.model.living:
            self.model.add(item)
        assert upload.item in (None, item)
        self.may_be_counted(upload)

    def _look_for(self, upload: Upload) -> None:
        """Nobody was told how it ended: if it is in the library now it is so as a whole."""
        shown, _ = self.wait_for(self.process.page(EVERYTHING, MAX_PAGE_SIZE))
        for told in shown.page.items:
            if told.image.width == upload.serial:
                upload.item = self._as_asked(upload, told)
                self.model.add(upload.item)
                assert self.opened(upload.item) == upload.content
        self.may_be_counted(upload)

    def _as_asked(self, upload: Upload, told: MediaItem) -> Item:
        assert upload.begun <= told.created_at <= self.clock.now()
        item = Item(
            serial=upload.serial,
            id=told.id,
            key=told.storage_key,
            owner=upload.owner,
            kind=upload.kind,
            category=upload.category,
            created=told.created_at,
            content=upload.content,
        )
        is_shown(item, told)
        return item

    def pass_time(self, span: timedelta) -> None:
        """Let time pass; no upload takes longer than the sweeper thinks that one may."""
        for flight in [*self.flights]:
            if self.clock.now() + span >= flight.upload.begun + FILE_DELETION_DELAY:
                self.land(flight)
        self.clock.advance(span)

    def cleanup(self, plan: Plan = UNDISTURBED) -> None:
        """Sweep; whatever stops that, nobody sees anything of it."""
        outcome = self.attempt(lambda cases: cases.cleanup(), plan)
        assert outcome.is_done or outcome.struck
        if outcome.is_done and not outcome.struck:
            self.model.uncounted.clear()
            for flight in self.flights:
                flight.swept.append(self.clock.now())
