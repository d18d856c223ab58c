"""Compare the journal with a database that may be a restored backup, and repeat what it lacks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final, TypeAlias

from application.administration.act_for_users import ActForUsers
from application.administration.acts import BLOCK
from application.administration.caller import Caller
from application.administration.item_acts import ItemActs
from application.ports.administration import AuditFilter
from application.ports.repositories import Repositories
from domain.administration.audit import AuditAction
from domain.errors import DomainError
from domain.identities.device_token import DEVICE_TOKEN_TTL
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.instance import INSTANCE_TTL
from domain.journal.entry import JournalEntry
from domain.phone import PhoneNumber

REASON_PREFIX: Final = "restore-check: "
"""How the reasons of audit entries begin that a repetition writes."""
_BATCH_SIZE: Final = 200
_OF_BLOCK: Final = frozenset({AuditAction.BLOCK, AuditAction.UNBLOCK})
_OF_ROLE: Final = frozenset({AuditAction.PROMOTE, AuditAction.DEMOTE})
_OF_PHONE: Final = frozenset(
    {AuditAction.CHANGE_PHONE, AuditAction.UNDO_PHONE_CHANGE, AuditAction.DISOWN_PHONE}
)
_OF_ITEM: Final = frozenset(
    {AuditAction.HIDE_ITEM, AuditAction.UNHIDE_ITEM, AuditAction.DELETE_ITEM}
)
_END_SESSIONS: Final = frozenset({AuditAction.SIGN_OUT, *_OF_PHONE})
_GIVES: Final = frozenset(
    {AuditAction.PROMOTE, AuditAction.UNBLOCK, AuditAction.UNHIDE_ITEM, AuditAction.RESTORE}
)
"""What is repeated only if it is certainly later than the backup: it gives somebody something."""

BlindIndex: TypeAlias = Callable[[PhoneNumber], str]


class State(Enum):
    """What a database knows of an act."""

    IN_EFFECT = auto()
    """The database has it, or nobody whom it concerns."""
    LACKING = auto()
    """The database lacks it, and it can be repeated."""
    BY_HAND = auto()
    """Only the operator can decide or do it; the finding says what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An act and its state. `advice` says what to do by hand."""

    entry: JournalEntry
    state: State
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRestoreQuery:
    """What a database is compared with.

    Attributes:
        entries: Those of the journal, in any order.
        indexes: How a blind index is made, by the id of the key.
        index_key: The id of the key of this database.
        now: The time.
    """

    entries: Sequence[JournalEntry]
    indexes: Mapping[str, BlindIndex]
    index_key: str
    now: datetime
    newest_at: datetime | None = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRestore:
    """Compare the last act of each kind on each subject with the database, and repeat it.

    - Ids are never used again, so an account that the journal says is deleted was restored.
    - An act that takes something is repeated wherever the database lacks it: delete, block, demote,
      end sessions, hide. One that gives something is repeated only if it is later than the newest
      record of the service: otherwise something that no line has may have taken it back.
    - A change of the number cannot be repeated without the number. The account is blocked, so that
      nobody signs in by the number that it has again, and the operator does the rest.
    - Acts on items are in effect where no feature has items: `items` is None then.
    - Acts are repeated as operators do them, with an audit entry each, and may be repeated again.
    """

    repositories: Repositories
    act: ActForUsers
    items: ItemActs | None

    async def find_newest_time(self, now: datetime) -> datetime | None:
        """Return until when the service wrote to the database, as far as that is known.

        That is about when the backup was made. None while the service runs, or if nothing tells.

        Raises:
            StorageError
        """
        times = []
        instance = await self.repositories.instances.find_latest()
        if instance is not None:
            if now - instance.renewed_at < INSTANCE_TTL:
                return None
            times.append(instance.renewed_at)
        listed = await self.repositories.audit_log.list_after(AuditFilter(), None, _BATCH_SIZE)
        times += [entry.at for entry in listed if not entry.reason.startswith(REASON_PREFIX)]
        return max(times, default=None)

    async def __call__(self, query: CheckRestoreQuery) -> Sequence[Finding]:
        """Return what the database knows of each act that decides, in the order of time.

        Raises:
            StorageError
            CorruptRecord
        """
        decisive = find_decisive(query.entries)
        return [await self._check(entry, query) for entry in decisive]

    async def repeat(
        self, finding: Finding, query: CheckRestoreQuery, caller: Caller, reason: str
    ) -> Finding:
        """Repeat an act, and return what the database knows of it then.

        For a change of the number, the account is blocked instead.

        Raises:
            StorageError
            AuditFailed
        """
        entry = finding.entry
        if entry.action is AuditAction.REMOVE_PASSKEY:
            # The end of the role, which may have been repeated before, removes it too.
            return await self._check_passkey(entry)
        is_open = finding.state is State.LACKING or entry.action in _OF_PHONE
        if not is_open or finding.state is State.IN_EFFECT:
            return finding
        try:
            await self._repeat(entry, query, caller, f"{REASON_PREFIX}{reason}")
        except DomainError as error:
            advice = f"it could not be repeated: {error.message or type(error).__name__}"
            return Finding(entry, State.BY_HAND, advice)
        return await self._check(entry, query)

    async def _check(self, entry: JournalEntry, query: CheckRestoreQuery) -> Finding:
        if entry.action in _OF_PHONE:
            return await self._check_phone(entry, query)
        if entry.action is AuditAction.REMOVE_PASSKEY:
            return await self._check_passkey(entry)
        if not await self._is_lacking(entry, query):
            return Finding(entry, State.IN_EFFECT)
        if entry.action in _OF_BLOCK and await self._is_unknown_phone(entry, query):
            if entry.index_key not in query.indexes:
                return Finding(entry, State.BY_HAND, _missing_key(entry))
            if entry.action is AuditAction.UNBLOCK or entry.index_key != query.index_key:
                advice = (
                    f"no account has this phone: dialtone user {entry.action.value} NUMBER "
                    "--reason TEXT, if you know the number"
                )
                return Finding(entry, State.BY_HAND, advice)
        is_later = query.newest_at is not None and entry.at > query.newest_at
        if entry.action in _GIVES and not is_later:
            advice = (
                "nobody knows whether it is later than the backup, and it gives something: do it "
                "by its command if it is right, and leave it otherwise"
            )
            return Finding(entry, State.BY_HAND, advice)
        return Finding(entry, State.LACKING)

    async def _is_lacking(self, entry: JournalEntry, query: CheckRestoreQuery) -> bool:
        if entry.action in _OF_ITEM:
            return await self._is_item_lacking(entry)
        if entry.action in _OF_BLOCK:
            return await self._is_block_lacking(entry, query)
        identity = await self._load(entry.id)
        if identity is None:
            return False
        match entry.action:
            case AuditAction.DELETE:
                return True
            case AuditAction.RESTORE:
                return identity.detached_at is not None
            case AuditAction.SIGN_OUT:
                return _has_sessions_from_before(identity, entry)
            case _:
                return identity.detached_at is None and identity.role is not entry.role

    async def _check_passkey(self, entry: JournalEntry) -> Finding:
        identity = await self._load(entry.id)
        if identity is None or identity.find_passkey(entry.passkey_id or "") is None:
            return Finding(entry, State.IN_EFFECT)
        advice = (
            "the passkey signs in again: dialtone user passkey-remove "
            f"{entry.id} {entry.passkey_id} --reason TEXT"
        )
        return Finding(entry, State.BY_HAND, advice)

    async def _is_item_lacking(self, entry: JournalEntry) -> bool:
        if self.items is None or await self._load(entry.id) is None:
            return False
        return not await self.items.is_in_effect(entry.action, entry.item_id or "")

    async def _is_block_lacking(self, entry: JournalEntry, query: CheckRestoreQuery) -> bool:
        is_block = entry.action is AuditAction.BLOCK
        identity, phone = await self._find_phone(entry, query)
        if phone is not None and identity is not None:
            verification = (await self.repositories.phone_verifications.load(phone)).value
            states = {verification.blocked_at is not None}
            if verification.identity_id == identity.id and not identity.is_closed:
                states.add(identity.is_blocked)
            return (not is_block) in states
        if entry.phone_index is None or entry.index_key != query.index_key:
            return is_block  # nobody knows
        load = self.repositories.phone_verifications.load_by_index
        verification = (await load(entry.phone_index)).value
        return (verification.blocked_at is not None) is not is_block

    async def _is_unknown_phone(self, entry: JournalEntry, query: CheckRestoreQuery) -> bool:
        return (await self._find_phone(entry, query))[1] is None

    async def _find_phone(
        self, entry: JournalEntry, query: CheckRestoreQuery
    ) -> tuple[Identity | None, PhoneNumber | None]:
        """Return the identity of an entry, and which of its phones has the blind index."""
        identity, index = await self._load(entry.id), query.indexes.get(entry.index_key or "")
        if identity is None or index is None:
            return identity, None
        phones = [phone for phone in identity.all_phones if index(phone) == entry.phone_index]
        return identity, phones[0] if phones else None

    async def _check_phone(self, entry: JournalEntry, query: CheckRestoreQuery) -> Finding:
        identity = await self._load(entry.id)
        if identity is None or identity.phone is None or identity.detached_at is not None:
            return Finding(entry, State.IN_EFFECT)
        index = query.indexes.get(entry.index_key or "")
        if index is not None and index(identity.phone) == entry.phone_index:
            return Finding(entry, State.IN_EFFECT)
        if index is None:
            return Finding(entry, State.BY_HAND, _missing_key(entry))
        is_former = index(identity.phone) == entry.former_phone_index
        number = "its former number" if is_former else "an earlier number"
        open_state = "can be signed in to until --apply blocks it"
        state = "is blocked" if identity.is_blocked else open_state
        advice = (
            f"the account has {number}, and {state}. Only its owner can name the new number: "
            f"dialtone user change-phone {entry.id} NEW_NUMBER --reason TEXT, then dialtone user "
            f"unblock {entry.id} --reason TEXT"
        )
        return Finding(entry, State.BY_HAND, advice)

    async def _repeat(
        self, entry: JournalEntry, query: CheckRestoreQuery, caller: Caller, reason: str
    ) -> None:
        identity_id = entry.id or ""
        match entry.action:
            case AuditAction.DELETE:
                await self.act.delete(caller, identity_id, reason)
            case AuditAction.RESTORE:
                await self.act.restore(caller, identity_id, reason)
            case AuditAction.SIGN_OUT:
                await self.act.sign_out(caller, identity_id, reason)
            case AuditAction.PROMOTE | AuditAction.DEMOTE:
                role = entry.role or Role.MEMBER
                await self.act.change_role(caller, identity_id, role, reason)
            case action if action in _OF_ITEM:
                if self.items is not None:
                    await self.items.repeat(action, caller, entry.item_id or "", reason)
            case AuditAction.BLOCK | AuditAction.UNBLOCK:
                await self._repeat_block(entry, query, caller, reason)
            case _:
                await self._hold(entry, query, caller, reason)

    async def _repeat_block(
        self, entry: JournalEntry, query: CheckRestoreQuery, caller: Caller, reason: str
    ) -> None:
        _, phone = await self._find_phone(entry, query)
        if phone is not None:
            act = self.act.block if entry.action is AuditAction.BLOCK else self.act.unblock
            await act(caller, phone, reason)
            return
        caller.check(BLOCK, reason)
        index = entry.phone_index or ""
        subject = entry.id or index
        async with self.act.record_act(caller.actor, BLOCK.action, subject, reason):
            await self.repositories.phone_verifications.block_by_index(index, query.now)

    async def _hold(
        self, entry: JournalEntry, query: CheckRestoreQuery, caller: Caller, reason: str
    ) -> None:
        """Block an account that has a number again which it lost."""
        identity = await self._load(entry.id)
        is_known = entry.index_key in query.indexes
        if identity is not None and identity.phone is not None and is_known:
            verification = (await self.repositories.phone_verifications.load(identity.phone)).value
            if verification.blocked_at is None or not identity.is_blocked:
                await self.act.block(caller, identity.phone, reason)

    async def _load(self, identity_id: str | None) -> Identity | None:
        """Return the identity if it is there and not deleted."""
        loaded = await self.repositories.identities.load(identity_id) if identity_id else None
        return None if loaded is None or loaded.value.is_deleted else loaded.value


def find_decisive(entries: Iterable[JournalEntry]) -> Sequence[JournalEntry]:
    """Return the last entry of each kind on each subject: what has to be true now.

    After a deletion nothing else counts. An act that also ends sessions is an end of sessions too.
    """
    decisive: dict[tuple[str, str], JournalEntry] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        if entry.action in _OF_BLOCK:
            decisive["block", f"{entry.index_key} {entry.phone_index}"] = entry
        elif entry.action in _OF_ITEM:
            decisive["item", entry.item_id or ""] = entry
        elif entry.passkey_id is not None:
            decisive["passkey", entry.passkey_id] = entry
        elif entry.id is not None:
            if kind := _kind_of_identity(entry.action):
                decisive[kind, entry.id] = entry
            if entry.action in _END_SESSIONS:
                decisive["sessions", entry.id] = _as_sign_out(entry)
    deleted = {identity_id for kind, identity_id in decisive if kind == "delete"}
    return sorted(
        (
            entry
            for (kind, _), entry in decisive.items()
            if kind in {"delete", "block"} or entry.id not in deleted
        ),
        key=lambda each: each.at,
    )


def _missing_key(entry: JournalEntry) -> str:
    return (
        f"its index key {entry.index_key} is missing, so its number cannot be compared: give an "
        "earlier copy of the secrets file with --secrets"
    )


def _kind_of_identity(action: AuditAction) -> str:
    if action in _OF_ROLE:
        return "role"
    if action in _OF_PHONE:
        return "phone"
    return {AuditAction.DELETE: "delete", AuditAction.RESTORE: "restore"}.get(action, "")


def _as_sign_out(entry: JournalEntry) -> JournalEntry:
    return JournalEntry(
        at=entry.at,
        action=AuditAction.SIGN_OUT,
        id=entry.id,
        phone_index=entry.phone_index,
        index_key=entry.index_key,
        session_id=entry.session_id,
    )


def _has_sessions_from_before(identity: Identity, entry: JournalEntry) -> bool:
    kept = entry.session_id
    sessions = [session.created_at for session in identity.sessions if session.id != kept]
    devices = [
        device.expires_at - DEVICE_TOKEN_TTL
        for device in identity.devices
        if device.session_id != kept
    ]
    return any(began_at < entry.at for began_at in (*sessions, *devices))
