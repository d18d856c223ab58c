"""Write each act to the journal, after it was done and before its response."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from application.journal.lines import render_line
from application.ports.journal import Journal, JournalUnavailable
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock
from application.tasks import start_task
from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.journal.acts import list_identity_acts, list_phone_acts, list_removed_passkeys
from domain.journal.entry import JournalEntry
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

MAX_WAITING: Final = 10_000
"""Lines that wait in memory. Above that the oldest is dropped, and the log has what it said."""
_OF_ROLE: Final = frozenset({AuditAction.PROMOTE, AuditAction.DEMOTE})
_OF_PHONE: Final = frozenset(
    {AuditAction.CHANGE_PHONE, AuditAction.UNDO_PHONE_CHANGE, AuditAction.DISOWN_PHONE}
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteActs:
    """Find the acts in changes of records, and write a line for each.

    - A line is written after its act was saved: one of an act that failed would be repeated. A
      process that is killed between both, which is some milliseconds, leaves no line.
    - The act is not undone if the line cannot be written. The line waits in memory, those after it
      too, and the log says at once what it has. `retry` writes what waits.
    - A client that closes the connection does not stop the line.
    """

    journal: Journal
    keyed_hashes: KeyedHashes
    index_key: str
    clock: Clock
    count_dropped: Callable[[], object] = lambda: None
    waiting: deque[JournalEntry] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def identity_changed(self, former: Identity, changed: Identity) -> None:
        """Write what was done to an identity."""
        kept = changed.sessions[0].id if changed.sessions else None
        for act in list_identity_acts(former, changed):
            is_change = act in _OF_PHONE
            ends_sessions = is_change or act is AuditAction.SIGN_OUT
            await self._write(
                JournalEntry(
                    at=self.clock.now(),
                    action=act,
                    id=changed.id,
                    phone_index=self._index(changed.phone),
                    former_phone_index=self._index(former.phone) if is_change else None,
                    index_key=self.index_key,
                    role=changed.role if act in _OF_ROLE else None,
                    session_id=kept if ends_sessions else None,
                )
            )

        for passkey_id in list_removed_passkeys(former, changed):
            await self._write(
                JournalEntry(
                    at=self.clock.now(),
                    action=AuditAction.REMOVE_PASSKEY,
                    id=changed.id,
                    passkey_id=passkey_id,
                )
            )

    async def phone_changed(
        self, phone: PhoneNumber, former: PhoneVerification, changed: PhoneVerification
    ) -> None:
        """Write whether a phone was blocked or unblocked."""
        for act in list_phone_acts(former, changed):
            await self._write(
                JournalEntry(
                    at=self.clock.now(),
                    action=act,
                    id=changed.identity_id,
                    phone_index=self._index(phone),
                    index_key=self.index_key,
                )
            )

    async def item_changed(self, action: AuditAction, owner_id: str, item_id: str) -> None:
        """Write what was done to an item of a user."""
        await self._write(
            JournalEntry(at=self.clock.now(), action=action, id=owner_id, item_id=item_id)
        )

    async def retry(self) -> None:
        """Write the lines that wait, in their order.

        Raises:
            JournalUnavailable: some wait still.
        """
        async with self._writing:
            written = 0
            try:
                while self.waiting:
                    entry = self.waiting[0]
                    await self.journal.write(render_line(entry))
                    if self.waiting[0] is entry:  # too many others may have dropped it
                        self.waiting.popleft()
                    written += 1
            except JournalUnavailable as error:
                raise JournalUnavailable(f"{error}; lines that wait: {len(self.waiting)}") from None
            finally:
                if written and not self.waiting:
                    _log.info({"event": "journal_caught_up", "lines": written})

    def _index(self, phone: PhoneNumber | None) -> str | None:
        return None if phone is None else self.keyed_hashes.blind_index(phone)

    async def _write(self, entry: JournalEntry) -> None:
        await asyncio.shield(start_task("write_journal", self._write_or_keep(entry)))

    async def _write_or_keep(self, entry: JournalEntry) -> None:
        reason = "earlier lines wait"
        if self.waiting:  # `retry` may hold the lock for long, and writes this one too
            self._keep(entry)
        else:
            async with self._writing:
                if not self.waiting:
                    try:
                        await self.journal.write(render_line(entry))
                    except JournalUnavailable as error:
                        reason = str(error)
                    except Exception as error:  # noqa: BLE001 -- a bug loses no line either
                        # If the client has left, nobody would see it. `retry` logs it.
                        reason = f"failed with {type(error).__name__}"
                    else:
                        return
                self._keep(entry)
        _log.warning({"event": "journal_line_waits", "reason": reason, **_name(entry)})

    def _keep(self, entry: JournalEntry) -> None:
        if len(self.waiting) == self.waiting.maxlen:
            self.count_dropped()
            _log.error({"event": "journal_line_dropped", **_name(self.waiting[0])})
        self.waiting.append(entry)


def _name(entry: JournalEntry) -> Mapping[str, str]:
    """Return the fields of the log that say which act it is."""
    details = {"action": entry.action.value, "user_id": entry.id, "item_id": entry.item_id}
    return {name: text for name, text in details.items() if text is not None}
