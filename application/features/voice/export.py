"""Calls and recordings in an export of a person."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.voice.ports import Calls, Recordings
from application.ports.errors import RecordingNotFound
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.features.voice.call import Call
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class ExportCalls:
    """The calls of a person, and what the person said.

    Recordings are opened one at a time, and never held in memory.
    """

    stored: Calls
    recordings: Recordings | None

    explained_files: ClassVar[Mapping[str, str]] = {
        "calls.json": "calls from and to your number: when, how long, and what came of them",
        "recordings/": "what you said, if you left a recording",
    }

    async def check(self, identity: Identity) -> None:
        """Check nothing: the provider of calls is asked for each recording only."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        calls, cursor = list[Call](), None
        while page := await self.stored.list_after(identity.id, cursor, MAX_PAGE_SIZE):
            calls += page
            cursor = Cursor(page[-1].started_at, page[-1].id)
        yield json_file("calls.json", [_describe_call(call) for call in calls], now)
        for call in calls:
            for number, recording in enumerate(call.recordings):
                name = _recording_name(call, number)
                if self.recordings is None:
                    missing.add(name, "The provider that has it is not set up any more.")
                    continue
                try:
                    async with self.recordings.open_recording(recording.id) as file:
                        yield ExportFile(name, recording.recorded_at, file.chunks)
                except RecordingNotFound:
                    missing.add(name)


def _describe_call(call: Call) -> Mapping[str, Any]:
    return {
        "id": call.id,
        "direction": call.direction.value,
        "status": call.status.value,
        "outcome": call.outcome.value if call.outcome else None,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "language": call.locale,
        "path": call.path,
        "is_caller_verified": call.is_caller_verified,
        "recordings": [
            {
                "file": _recording_name(call, number),
                "duration_seconds": recording.duration_seconds,
                "recorded_at": recording.recorded_at,
            }
            for number, recording in enumerate(call.recordings)
        ],
    }


def _recording_name(call: Call, number: int) -> str:
    return f"recordings/{call.id}-{number}.mp3"
