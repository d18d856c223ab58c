"""What an extension gets when it is opened, and by which it adds itself."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from adapters.records.record_kind import Record, RecordKind
from application.administration.export_part import (
    ExportFile,
    MissingFiles,
    json_file,
)
from application.identities.extension_calls import call_extension, log_failure
from application.identities.extensions import SessionCheck, TokenClaimsSource
from application.operations.cleanup import CleanupStep, PurgeFailed, expire
from application.pacing import Pace
from application.ports.errors import ConfigurationError, ExtensionFailed, StorageError
from application.ports.identities import Identities
from application.ports.system import Clock, Randomness
from domain.identities.identity import Identity
from entrypoints.extensions.records import OwnRecords
from entrypoints.extensions.settings import own_settings
from entrypoints.opening.opening import Opening

R = TypeVar("R", bound=Record)
S = TypeVar("S")
T = TypeVar("T")

CALL_TIMEOUT: Final = 15.0
"""Seconds for one call, as long as a write of SQLite has."""
MAX_CALLS_OF_STEP: Final = 100

_STEP: Final = re.compile(r"[a-z][a-z0-9_]*")
_FILE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*\.json")


@dataclass(frozen=True, slots=True)
class UserSummary:
    """What an extension sees of a user: never the phone.

    Attributes:
        id: 24 hex digits, as in the tokens of the user.
        username: None for one who has none.
        created_at: When the account was made.
        is_blocked: Whether an operator has blocked the user, who cannot sign in then.
    """

    id: str
    username: str | None
    created_at: datetime
    is_blocked: bool


class Users:
    """The users, one by one."""

    def __init__(self, identities: Identities) -> None:
        """Take the repository."""
        self._identities = identities

    async def load(self, user_id: str) -> UserSummary | None:
        """Return a user; None for one who does not exist, or was deleted.

        Raises:
            StorageError
        """
        loaded = await self._identities.load(user_id)
        if loaded is None or loaded.value.is_deleted:
            return None
        identity = loaded.value
        return UserSummary(
            id=identity.id,
            username=identity.username.text if identity.username else None,
            created_at=identity.created_at,
            is_blocked=identity.is_blocked,
        )


class ExtensionOpening:
    """What an extension may use, and the methods by which it adds itself.

    What it adds is called until the block of its `open` ends. Each call has 15 seconds, if its
    method names no other time. What a call raises that is no `PortError` is logged as
    `extension_failed`, with the name of the extension.

    Attributes:
        clock: The time. Tests of your own may replace it.
        randomness: Unpredictable bytes.
        users: The users.
        is_service: Whether the service is opened, and not a command.
    """

    clock: Clock
    randomness: Randomness
    users: Users
    is_service: bool

    def __init__(
        self,
        opening: Opening,
        name: str,
        kinds: Sequence[RecordKind[Any]],
        settings: type[Any] | None,
    ) -> None:
        """Take what a feature of our own would get, and what the extension has declared."""
        self.clock = opening.system.clock
        self.randomness = opening.system.randomness
        self.users = Users(opening.use_cases.repositories.identities)
        self.is_service = opening.is_service
        self._opening = opening
        self._core = opening.use_cases
        self._name = name
        self._kinds = kinds
        self._settings = settings
        # What expires is deleted: nobody has to remember it.
        for kind in filter(lambda kind: kind.expires, kinds):
            self._core.operations.cleanup.add_steps(
                {f"expired_{kind.name}": expire(self.records_of(kind))}
            )

    def settings_of(self, settings: type[S]) -> S:
        """Return the settings of the extension, an object of its class `settings`."""
        if settings is not self._settings:
            raise self._misuse(f"{settings.__name__} is not its class of settings")
        return own_settings(self._name, settings, self._opening.settings)

    def records_of(self, kind: RecordKind[R]) -> OwnRecords[R]:
        """Return the records of a kind, which is one of the extension's `kinds`."""
        if not any(kind is own for own in self._kinds):
            raise self._misuse(f"{kind.name} is not one of its kinds of records")
        return OwnRecords(self._opening.database.records, kind)

    def add_use_cases(self, use_cases: object) -> None:
        """Add an object with use cases. Controllers and commands get it by its class."""
        if self._core.find(type(use_cases)) is not None or isinstance(use_cases, type):
            raise self._misuse(f"{type(use_cases).__name__} cannot be its use cases")
        self._core.add(use_cases)

    def on_user_deletion(self, forget: Callable[[str], Awaitable[object]]) -> None:
        """Add what deletes all that the extension has of a user. It gets the id of the user.

        It is called when an account is deleted, and again by the cleanup, until it has succeeded:
        after a kill, or an error. What is deleted already is no error.
        """

        async def forget_now(user_id: str) -> None:
            # The account is deleted, so this is no error of the request: the cleanup tries again.
            with suppress(ExtensionFailed, StorageError):
                await self._call("on_user_deletion", lambda: forget(user_id))

        async def forget_before_purge(user_id: str) -> None:
            try:
                await self._call("on_user_deletion", lambda: forget(user_id))
            except ExtensionFailed as error:
                raise PurgeFailed from error

        self._core.identities.extensions.after_deletion.append(forget_now)
        self._core.operations.cleanup.on_purge(forget_before_purge)

    def add_cleanup_step(self, name: str, step: CleanupStep) -> None:
        """Add a step of the cleanup, which each instance runs in turn, and `dialtone cleanup`.

        Records with `expires_at` need none: they are deleted when they expire.

        Args:
            name: What was cleaned up, such as `old_drafts`.
            step: Gets the time, cleans up some hundred at most, and returns how many. It is called
                again until that is 0, up to 100 times in each cleanup.
        """
        if not _STEP.fullmatch(name):
            raise self._misuse(f"{name} is not the name of a step")
        part = f"the cleanup step {name}"

        async def take(now: datetime) -> int:
            return int(await step(now))

        async def take_all() -> Mapping[str, int]:
            cleaned, pace = 0, Pace()
            # The other steps go on if it fails.
            with suppress(ExtensionFailed):
                for _ in range(MAX_CALLS_OF_STEP):
                    count = await self._call(part, lambda: take(self.clock.now()))
                    if count <= 0:
                        break
                    cleaned += count
                    await pace.pause()
                else:
                    endless = RuntimeError(f"it was not done after {MAX_CALLS_OF_STEP} calls")
                    log_failure(self._name, part, endless)
            return {f"x_{self._name}_{name}": cleaned}

        # One that never ends would keep the core from its own steps.
        self._core.operations.cleanup.add_final(take_all)

    def add_export(
        self,
        explained_files: Mapping[str, str],
        make_files: Callable[[str], Awaitable[Mapping[str, object]]],
    ) -> None:
        """Add files to the export of all data of a person, in the folder `x/<name>`.

        Args:
            explained_files: What is in each file, for the page in the export: `profile.json` is
                "what you wrote about yourself". Each name ends with `.json`.
            make_files: Gets the id of the user, and returns the content of files by their names:
                what JSON can have, and times. A file without content is left out.
        """
        for file in explained_files:
            if not _FILE.fullmatch(file):
                raise self._misuse(f"{file} is not the name of a file that ends with .json")
        part = _ExportPart(self._name, explained_files, make_files)
        self._core.administration.export_parts.append(part)

    def add_token_claims(self, load: TokenClaimsSource) -> None:
        """Add claims to short-lived access tokens, in their claim `x`: `{"x": {"<name>": …}}`.

        Args:
            load: Gets the id of the user, and returns a JSON object of up to 512 bytes, within
                three seconds; an empty one for none. It is called at the login and at each refresh,
                at a first login before the user is stored. If it fails, there is no token: the
                login or the refresh is a 503, and may be repeated.
        """
        claims = self._core.identities.extensions.token_claims
        if self._name in claims:
            raise self._misuse("add_token_claims was called twice")
        claims[self._name] = load

    def add_session_check(self, check: SessionCheck) -> None:
        """Add what decides about each login with a correct code, before a session is opened.

        Args:
            check: Gets a `PendingLogin`, and returns `AllowLogin()`, or `RejectLogin(text)` with up
                to 200 characters for the person, within three seconds. `AllowLogin(claims)` gives
                the session a JSON object of up to 512 bytes, the claim `app` of its short-lived
                tokens; of several checks the last one wins, key by key. If it fails, the login is a
                503, and may be repeated with the same code. It is not asked about refreshes.
        """
        checks = self._core.identities.extensions.session_checks
        if self._name in checks:
            raise self._misuse("add_session_check was called twice")
        checks[self._name] = check

    async def _call(self, part: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call of the cleanup; a database that fails, fails the whole cleanup."""
        return await call_extension(
            self._name, call, CALL_TIMEOUT, part=part, expected=(StorageError,)
        )

    def _misuse(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{problem}.")


@dataclass(frozen=True, slots=True)
class _ExportPart:
    """The files of an extension in an export: see `ExportPart`."""

    extension: str
    files: Mapping[str, str]
    make_files: Callable[[str], Awaitable[Mapping[str, object]]]

    @property
    def explained_files(self) -> Mapping[str, str]:
        """Its files."""
        return {self._path(name): text for name, text in self.files.items()}

    async def check(self) -> None:
        """Check nothing: each file is made as a whole."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        """Yield the files."""
        del missing
        made = await call_extension(
            self.extension, lambda: self._make(identity.id, now), CALL_TIMEOUT, part="its export"
        )
        for file in made:
            yield file

    async def _make(self, user_id: str, now: datetime) -> Sequence[ExportFile]:
        made = await self.make_files(user_id)
        if unknown := made.keys() - self.files.keys():
            raise ValueError(f"the files {sorted(unknown)} are not explained")
        return [json_file(self._path(name), content, now) for name, content in made.items()]

    def _path(self, name: str) -> str:
        return f"x/{self.extension}/{name}"
