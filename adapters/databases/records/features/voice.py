"""The records of the phone line. They contain no code and no phone number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from inspect import get_annotations
from typing import Any, Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    Index,
    Record,
    RecordKind,
    index_by_time,
)
from adapters.databases.records.record_repository import RecordRepository, to_position
from adapters.databases.records.retention import Retention
from application.features.voice.ports import VoiceRepositories
from application.ports.versioned import Versioned
from domain.cursor import Cursor
from domain.errors import InvalidIdentifier
from domain.features.voice import instructions
from domain.features.voice.call import Call, CallDirection, CallStatus, Recording, Turn, UsedWebhook
from domain.features.voice.instructions import Position, Voice
from domain.features.voice.step import CallOutcome
from domain.identifier import IDENTIFIER_LENGTH


class Tagged(msgspec.Struct, tag_field="kind", gc=False):
    """Base of union members; each class has its own tag."""


class SayRecord(Tagged, tag="say"):
    """Read a text aloud."""

    text: str
    voice: Voice


class SayCodeRecord(Tagged, tag="say_code"):
    """Read the code of the call, which is not stored."""

    voice: Voice


class PauseRecord(Tagged, tag="pause"):
    """Say nothing."""

    seconds: int


class GatherRecord(Tagged, tag="gather", kw_only=True):
    """Wait for a key or speech."""

    prompt: tuple[SayRecord | PauseRecord, ...]
    answer_to: Position
    voice: Voice
    hints: tuple[str, ...] = ()
    timeout_seconds: int = 5
    with_speech: bool = True


class DialLineOperatorRecord(Tagged, tag="dial_operator"):
    """Connect the caller to the line operator, whose number is not stored."""

    answer_to: Position


class RecordCallerRecord(Tagged, tag="record"):
    """Record the caller."""

    answer_to: Position
    max_seconds: int


class GoToRecord(Tagged, tag="go_to"):
    """Continue at a position."""

    position: Position


class HangUpRecord(Tagged, tag="hang_up"):
    """End the call."""


class TurnRecord(msgspec.Struct, gc=False):
    """A request that was processed, and the instructions of its response."""

    position: Position | None
    instructions: tuple[
        SayRecord
        | SayCodeRecord
        | PauseRecord
        | GatherRecord
        | DialLineOperatorRecord
        | RecordCallerRecord
        | GoToRecord
        | HangUpRecord,
        ...,
    ]


class CallRecord(Record, kw_only=True):
    """A call."""

    id: str
    direction: CallDirection
    started_at: datetime
    provider_call_id: str | None = None
    status: CallStatus
    ended_at: datetime | None = None
    identity_id: str | None = None
    is_caller_verified: bool = False
    challenge_id: str | None = None
    report_id: str | None = None
    locale: str | None = None
    path: tuple[str, ...] = ()
    outcome: CallOutcome | None = None
    position: Position | None = None
    turns: tuple[TurnRecord, ...] = ()
    effect_started_at: datetime | None = None
    recordings: tuple[Recording, ...] = ()
    are_recordings_due: bool = False
    oldest_recording_at: datetime | None = None
    unfinished_since: datetime | None = None
    last_request_at: datetime | None = None
    line_acquired_at: datetime | None = None


_RECORD_TYPES: Final[Mapping[type, type]] = {
    Call: CallRecord,
    Turn: TurnRecord,
    instructions.Say: SayRecord,
    instructions.SayCode: SayCodeRecord,
    instructions.Pause: PauseRecord,
    instructions.Gather: GatherRecord,
    instructions.DialLineOperator: DialLineOperatorRecord,
    instructions.RecordCaller: RecordCallerRecord,
    instructions.GoTo: GoToRecord,
    instructions.HangUp: HangUpRecord,
}
_VALUE_TYPES: Final = {record_type: value_type for value_type, record_type in _RECORD_TYPES.items()}


class CallMapping(RecordMapping[Call, CallRecord]):
    """The mapping of calls. msgspec cannot tell the kinds of instructions apart by itself."""

    def to_record(self, value: Call) -> CallRecord:
        record: CallRecord = _copy(value, _RECORD_TYPES)
        record.schema_version = self.kind.schema_version
        return record

    def to_value(self, record: CallRecord) -> Call:
        try:
            call: Call = _copy(record, _VALUE_TYPES)
        except InvalidIdentifier:
            raise self.kind.unreadable() from None
        return call


def _copy(source: Any, targets: Mapping[type, type]) -> Any:
    """Return a copy of a value, a record or a tuple, with the type that belongs to each part."""
    if isinstance(source, tuple):
        return tuple(_copy(part, targets) for part in source)
    target = targets.get(type(source))
    if target is None:
        return source
    fields = {name: _copy(getattr(source, name), targets) for name in get_annotations(target)}
    return target(**fields)


ALL_CALLS: Final = Index(name="calls_started_at", order="started_at", is_paged=True)
CALLS_OF_IDENTITY: Final = Index(
    name="calls_identity_id",
    equal=("identity_id",),
    order="started_at",
    is_paged=True,
    present=("identity_id",),
)
RECORDED_CALLS: Final = index_by_time("calls_oldest_recording_at", "oldest_recording_at")
UNFINISHED_CALLS: Final = index_by_time("calls_unfinished_since", "unfinished_since")

CALLS: Final = RecordKind(
    "calls",
    CallRecord,
    ALL_CALLS,
    CALLS_OF_IDENTITY,
    RECORDED_CALLS,
    UNFINISHED_CALLS,
    max_lengths={"identity_id": IDENTIFIER_LENGTH},
    retention=(
        Retention(
            "calls of a number: when, how long, language, menu, what was said to the caller, how"
            " it ended",
            "id provider_call_id direction started_at ended_at status identity_id"
            " is_caller_verified challenge_id report_id line_acquired_at locale position(state"
            " visit repeat) path outcome effect_started_at last_request_at unfinished_since"
            " turns(position(state visit repeat) instructions(text voice(language name) seconds"
            " prompt(text seconds voice(language name)) answer_to(state visit repeat) hints"
            " timeout_seconds with_speech max_seconds position(state visit repeat)))",
            "90 days (`DIALTONE_CALL_RETENTION`); the account's id until its deletion",
            "the call log",
            export="`calls.json`",
        ),
        Retention(
            "recordings of callers: the id at the provider, not the sound",
            "recordings(id duration_seconds recorded_at) oldest_recording_at are_recordings_due",
            "30 days (`DIALTONE_RECORDING_RETENTION`), at most as long as the account",
            "staff listens to feedback",
            export="`calls.json`; the sound in `recordings/`",
        ),
    ),
)


class StoredCalls(RecordRepository[Call, CallRecord]):
    """Calls."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        records = await self.store.find(
            self.kind,
            ALL_CALLS if identity_id is None else CALLS_OF_IDENTITY,
            [] if identity_id is None else [identity_id],
            after=to_position(cursor),
            newest_first=True,
            limit=limit,
        )
        return [self.read(stored).value for stored in records]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        return await self.list_until(ALL_CALLS, before, limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        return await self.list_owned_by(CALLS_OF_IDENTITY, identity_id, limit)

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        return await self.list_until(RECORDED_CALLS, before, limit)

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        return await self.list_until(UNFINISHED_CALLS, before, limit)


class UsedWebhookRecord(Record, kw_only=True):
    """A request that came. It has hashes."""

    id: str
    url_hash: str
    expires_at: datetime


USED_WEBHOOKS: Final = RecordKind(
    "used_webhooks",
    UsedWebhookRecord,
    Index(name="used_webhooks_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "requests about calls, hashed, if the provider does not sign their URL",
            "id url_hash expires_at",
            "one day",
            "a request counts at one URL only",
        ),
    ),
)


def make_voice_repositories(database: Database) -> VoiceRepositories:
    """Return the repositories of the phone line."""
    webhooks = RecordMapping(USED_WEBHOOKS, UsedWebhook)
    return VoiceRepositories(
        calls=StoredCalls(database.records, CallMapping(CALLS, Call)),
        used_webhooks=RecordRepository(database.records, webhooks, do_ids_return=True),
    )


KINDS: Final = (CALLS, USED_WEBHOOKS)
