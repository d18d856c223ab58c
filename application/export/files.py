"""The files of an export, one after the other."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from application.export.page import render_page
from application.ports.administration import AuditFilter, AuditLog
from application.ports.errors import RecordingNotFound
from application.ports.media import MediaFiles, MediaItems, MediaUsages
from application.ports.otp import PhoneVerifications
from application.ports.repositories import DeliveryReports
from application.ports.system import Clock
from application.ports.voice import Calls, Recordings
from domain.administration.audit import ActorKind, AuditEntry
from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification
from domain.page import MAX_PAGE_SIZE, Cursor
from domain.voice.call import Call

_Json = Mapping[str, Any]
_NO_LONGER_THERE: Final = "It is no longer there."


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export. It is read to its end before the next one is asked for.

    Attributes:
        name: Its path in the export.
        modified_at: When it was made.
        chunks: Its content.
        is_text: Whether it is worth compressing.
        missing_files: How many files it names that are not in the export.
    """

    name: str
    modified_at: datetime
    chunks: AsyncIterator[bytes]
    is_text: bool = False
    missing_files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectFiles:
    """Collect all data of one person (GDPR, articles 15 and 20).

    - Keys, keyed hashes and what only the service needs are left out. So is everybody else's data:
      an export has one phone number. The other one of a change may be somebody else's.
    - Hidden items are in it: they are still stored, and count in the quota.
    - Images and recordings are opened one at a time, and never held in memory.
    - A file that is no longer there is named in `not_included.json`. A store that does not answer
      is an error: a part is never taken for the whole.
    """

    phone_verifications: PhoneVerifications
    delivery_reports: DeliveryReports
    media_items: MediaItems
    media_usages: MediaUsages
    media_files: MediaFiles
    calls: Calls
    recordings: Recordings | None
    audit_log: AuditLog
    clock: Clock

    async def __call__(self, identity: Identity) -> AsyncGenerator[ExportFile, None]:
        """Yield all files.

        Raises:
            PortError: A part of the data cannot be read now.
        """
        now = self.clock.now()
        verification = await self._load_verification(identity)
        yield _text("index.html", render_page(identity, now), now)
        yield _json("account.json", _describe_account(identity), now)
        yield _json("sessions.json", _describe_sessions(identity, now), now)
        reports = await self._describe_deliveries(verification)
        yield _json("sign_in.json", _describe_verification(verification, reports), now)
        yield _json("audit.json", await self._describe_audit(identity.id), now)
        missing = _Missing()
        async with aclosing(self._collect_library(identity.id, now, missing)) as library:
            async for file in library:
                yield file
        async with aclosing(self._collect_calls(identity.id, now, missing)) as calls:
            async for file in calls:
                yield file
        if missing.files:
            listed = _json("not_included.json", missing.files, now)
            yield replace(listed, missing_files=len(missing.files))

    async def _load_verification(self, identity: Identity) -> PhoneVerification:
        if identity.phone is None:
            return PhoneVerification()
        verification = (await self.phone_verifications.load(identity.phone)).value
        # Otherwise the phone belongs to somebody else now.
        is_own = verification.identity_id == identity.id
        return verification.prune(self.clock.now()) if is_own else PhoneVerification()

    async def _describe_deliveries(self, verification: PhoneVerification) -> Sequence[_Json]:
        unknown = {each.request_id for each in verification.unknown_deliveries}
        return [
            {
                **await self._describe_delivery(delivery),
                "is_result_unknown": delivery.request_id in unknown,
            }
            for delivery in verification.deliveries
        ]

    async def _describe_delivery(self, delivery: Delivery) -> _Json:
        loaded = await self.delivery_reports.load(delivery.report_id)
        report = loaded.value if loaded else None
        return {
            "sent_at": delivery.sent_at,
            "channel": delivery.channel.value,
            "provider": delivery.provider,
            "is_rejected": delivery.is_rejected,
            "reason": delivery.rejection,
            "reported_status": report.status.value if report else None,
            "error_code": report.error_code if report else None,
        }

    async def _describe_audit(self, identity_id: str) -> Sequence[_Json]:
        entries, cursor = list[AuditEntry](), None
        audit_filter = AuditFilter(subject=identity_id)
        while page := await self.audit_log.list_after(audit_filter, cursor, MAX_PAGE_SIZE):
            entries += page
            cursor = Cursor(page[-1].at, page[-1].id)
        return [_describe_entry(entry) for entry in entries]

    async def _collect_library(
        self, identity_id: str, now: datetime, missing: "_Missing"
    ) -> AsyncGenerator[ExportFile, None]:
        described = [_describe_item(item) async for item in self._list_items(identity_id)]
        usage = await self.media_usages.load(identity_id)
        library = {
            "bytes": usage.value.bytes if usage else 0,
            "items": described,
        }
        yield _json("library.json", library, now)
        async with aclosing(self._list_items(identity_id)) as items:
            async for item in items:
                async with self.media_files.open_file(item.storage_key) as stored:
                    if stored is None:
                        missing.add(_item_name(item))
                        continue
                    yield ExportFile(_item_name(item), item.created_at, stored.chunks)

    async def _list_items(self, identity_id: str) -> AsyncGenerator[MediaItem, None]:
        """List ready and hidden items, each once, also one that is hidden or shown meanwhile."""
        listed = set[str]()
        for is_hidden in (True, False, True):
            item_filter = ItemFilter(owner_id=identity_id, is_hidden=is_hidden)
            page = await self.media_items.list_page(item_filter, 0, MAX_PAGE_SIZE)
            while page:
                for item in page:
                    if item.id not in listed:
                        listed.add(item.id)
                        yield item
                cursor = Cursor(page[-1].created_at, page[-1].id)
                page = await self.media_items.list_after(item_filter, cursor, MAX_PAGE_SIZE)

    async def _collect_calls(
        self, identity_id: str, now: datetime, missing: "_Missing"
    ) -> AsyncGenerator[ExportFile, None]:
        calls, cursor = list[Call](), None
        while page := await self.calls.list_after(identity_id, cursor, MAX_PAGE_SIZE):
            calls += page
            cursor = Cursor(page[-1].started_at, page[-1].id)
        yield _json("calls.json", [_describe_call(call) for call in calls], now)
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


@dataclass(slots=True)
class _Missing:
    """The files that are not in the export, and why."""

    files: list[_Json] = field(default_factory=list)

    def add(self, name: str, reason: str = _NO_LONGER_THERE) -> None:
        self.files.append({"file": name, "reason": reason})


def _describe_account(identity: Identity) -> _Json:
    consent, change = identity.consent, identity.phone_change
    return {
        "id": identity.id,
        "phone": identity.phone.e164 if identity.phone else None,
        "username": identity.username.text if identity.username else None,
        "username_since": identity.user.created_at if identity.user else None,
        "external_id": identity.external_id,
        "imported_at": identity.imported_at,
        "was_blocked_by_import": identity.was_blocked_by_import,
        "role": identity.role.value,
        "created_at": identity.created_at,
        "last_used_at": identity.last_used_at,
        "days_of_use": identity.days_of_use,
        "is_verified": identity.is_verified,
        "blocked_at": identity.blocked_at,
        "detached_at": identity.detached_at,
        "spoken_consent": consent
        and {
            "wording": consent.wording,
            "language": consent.language,
            "given_at": consent.given_at,
        },
        "phone_change": change
        and {
            "started_at": change.started_at,
            "step": change.step.value,
            "is_undo": change.is_undo,
            "language": change.locale,
        },
        "phone_changes_can_be_undone_until": identity.undo_deadlines,
        "phone_change_allowed_at": identity.phone_change_allowed_at,
        "unsent_events": [
            {"type": event.type.value, "at": event.occurred_at} for event in identity.events.unsent
        ],
        "last_export_at": identity.data_export.started_at if identity.data_export else None,
    }


def _describe_sessions(identity: Identity, now: datetime) -> _Json:
    return {
        "sessions": [
            {
                "id": session.id,
                "device": session.device,
                "created_at": session.created_at,
                "last_used_at": session.last_used_at,
                "expires_at": session.ends_at,
            }
            for session in identity.active_sessions(now)
        ],
        "refresh_tokens_sent_again_from_another_network": [
            {"session_id": repeat.session_id, "at": repeat.repeated_at}
            for repeat in identity.current_token_repeats(now)
        ],
        "recognized_devices": [
            {"session_id": device.session_id, "expires_at": device.expires_at}
            for device in identity.devices
        ],
        "browsers_at_the_console": [
            {"expires_at": device.expires_at} for device in identity.active_console_devices(now)
        ],
    }


def _describe_verification(verification: PhoneVerification, deliveries: Sequence[_Json]) -> _Json:
    locale = verification.call_locale
    return {
        "blocked_at": verification.blocked_at,
        "failed_attempts_in_a_row": verification.failures.in_a_row,
        "last_failed_at": verification.failures.last_failed_at,
        "limit_resets": verification.limit_resets,
        "logins_by_ip": [trusted.last_login_at for trusted in verification.trusted_ips],
        "call_language": locale and {"language": locale.tag, "chosen_at": locale.chosen_at},
        "callbacks": [callback.requested_at for callback in verification.callbacks],
        "deliveries": deliveries,
    }


def _describe_entry(entry: AuditEntry) -> _Json:
    """Describe an audit entry without the person who acted, whose data it is too."""
    kinds = {
        ActorKind.ADMINISTRATOR: "an administrator",
        ActorKind.USER: "you",
        ActorKind.SERVICE_TOKEN: "another service of the operator",
        ActorKind.OPERATING_SYSTEM_USER: "an operator, by a command",
    }
    return {
        "at": entry.at,
        "action": entry.action.value,
        "item_id": entry.item_id,
        "by": kinds[entry.actor.kind],
        "reason": entry.reason,
        "failed": entry.error is not None,
    }


def _describe_item(item: MediaItem) -> _Json:
    return {
        "id": item.id,
        "file": _item_name(item),
        "type": item.kind.value,
        "category": item.category,
        "created_at": item.created_at,
        "is_hidden_by_operator": item.is_hidden,
        "width": item.image.width,
        "height": item.image.height,
        "bytes": item.image.bytes,
        "smaller_copies": [variant.name for variant in item.variants],
    }


def _describe_call(call: Call) -> _Json:
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


def _item_name(item: MediaItem) -> str:
    return f"library/{item.id}.{item.storage_key.rpartition('.')[2]}"


def _recording_name(call: Call, number: int) -> str:
    return f"recordings/{call.id}-{number}.mp3"


def _json(name: str, content: Any, now: datetime) -> ExportFile:
    text = json.dumps(content, ensure_ascii=False, indent=2, default=_encode)
    return _text(name, text + "\n", now)


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not part of an export")


def _text(name: str, text: str, now: datetime) -> ExportFile:
    return ExportFile(name, now, _once(text.encode()), is_text=True)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
