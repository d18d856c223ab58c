"""Loading the secrets file, reloading it while the service runs, and the keys of each purpose."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from adapters.security.keys.document import (
    InvalidKeys,
    KeysByPurpose,
    SecretsDocument,
    generate_document,
    parse_document,
)
from adapters.security.keys.file import create_private_file, read_private_file
from adapters.security.keys.strength import check_key_strength
from application.ports.errors import ConfigurationError
from application.ports.keys import Key, KeyPurpose, KeyRing
from application.ports.system import Clock

RELOAD_INTERVAL: Final = timedelta(seconds=30)
"""Maximum age of the keys that a process uses; new keys become active after two intervals."""
_OLDER: Final = (
    "it was in use with this database, so this is an older copy. Restore the newest document."
)
_log = logging.getLogger(__name__)


def load_secrets_file(
    path: Path, *, create_missing: bool = False, is_strict: bool = False
) -> SecretsDocument:
    """Load and check the secrets file.

    Processes that create a missing file at the same time all load the same keys.

    `is_strict` also rejects weak keys, and a file of another user.
    """
    if create_missing and not os.path.lexists(path):
        create_private_file(path, generate_document())
    text = read_private_file(path, is_strict=is_strict)
    return parse_secrets(text, f"The secrets file {path}", is_strict=is_strict)


def generate_secrets_file(path: Path) -> None:
    """Create a secrets file with new keys.

    Raises:
        ConfigurationError: it exists already, or cannot be created.
    """
    if not create_private_file(path, generate_document()):
        raise ConfigurationError(
            f"{path} exists and was not changed, because its keys may be in use: name another file."
        )


def parse_secrets(
    text: str, name: str = "The value", *, is_strict: bool = False
) -> SecretsDocument:
    """Parse the document of a variable, or of the file that `name` names.

    Raises:
        ConfigurationError: it is invalid, or `is_strict` and it has a weak key.
    """
    try:
        document = parse_document(text)
        if is_strict:
            check_key_strength(document.keys)
    except InvalidKeys as error:
        # Without the cause, so that no traceback shows a part of the document.
        raise ConfigurationError(
            f"{name} is invalid: {error}. Correct it, or restore a backup of the whole document."
        ) from None
    return document


def select_current_key(keys: Sequence[Key], now: datetime) -> Key:
    """Return the first key whose `not_before` has passed, otherwise the last key."""
    for key in keys:
        if key.not_before <= now:
            return key
    return keys[-1]


def find_inactive_keys(keys: KeysByPurpose, now: datetime) -> str | None:
    """Return why a key would be used that is not active yet, with the fix, or None."""
    for purpose, listed in keys.items():
        if (first := min(key.not_before for key in listed)) > now:
            return (
                f'No key of "{purpose}" is active before '
                f"{first.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: set the clock "
                "of this machine, or correct `not_before` of the oldest key."
            )
    return None


class SecretKeys:
    """All keys, which do not change while the process runs.

    Attributes:
        newest_id: The newest encryption key that the database knows; None if it knows none.
        problem: Why the document is not used as it is now; None if it is.
    """

    def __init__(self, keys: KeysByPurpose, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self.newest_id: str | None = None
        self.problem: str | None = None

    def current(self) -> KeysByPurpose:
        """Return the keys; it is the same object until the keys change."""
        return self._keys

    def key_set(self, purpose: KeyPurpose) -> KeyRing:
        """Return the keys of one purpose, which change when these do."""
        return FileKeySet(self, purpose, self._clock)

    def encryption_keys(self) -> "EncryptionKeySet":
        """Return the keys that encrypt phones."""
        return EncryptionKeySet(self, KeyPurpose.PHONE_ENCRYPTION, self._clock)

    def require(self, key_id: str) -> None:
        """Take no document any more without this key, the newest that the database knows."""
        self.newest_id = key_id
        if not self._has_newest(self._keys):
            self._find_newest()

    def _find_newest(self) -> None:
        self._report(
            f"DIALTONE_SECRETS lacks the key {self.newest_id} of phone_encryption: {_OLDER}"
        )

    def _has_newest(self, keys: KeysByPurpose) -> bool:
        ids = [key.id for key in keys[KeyPurpose.PHONE_ENCRYPTION]]
        return self.newest_id is None or self.newest_id in ids

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            _log.error({"event": "secrets_reload_failed", "reason": problem})
        self.problem = problem


class ReloadingKeys(SecretKeys):
    """The keys of a secrets file that can be replaced at any time.

    - The file is read when a key is needed, at most once per interval. So no key is used that was
      read longer ago, and an idle process does no work. A thread or a signal that reloads it could
      be late after the process was stopped for a while.
    - If the file is missing, invalid, older than the database or another service's, the keys stay
      in use and one error is logged.
    """

    def __init__(
        self, path: Path, clock: Clock, *, create_missing: bool = False, is_strict: bool = False
    ) -> None:
        self._loaded_at = clock.now()
        document = load_secrets_file(path, create_missing=create_missing, is_strict=is_strict)
        super().__init__(document.keys, clock)
        self._path = path
        self._is_strict = is_strict

    def current(self) -> KeysByPurpose:
        now = self._clock.now()
        # Also if the clock was set back, which must not delay the next check.
        if not timedelta() <= now - self._loaded_at < RELOAD_INTERVAL:
            self._reload()
            self._loaded_at = now
        return self._keys

    def _find_newest(self) -> None:
        self._reload()

    def _reload(self) -> None:
        try:
            keys = load_secrets_file(self._path, is_strict=self._is_strict).keys
            self._check_index_key(keys)
            self._check_newest(keys)
        except ConfigurationError as error:
            self._report(str(error))
            return
        if keys != self._keys:
            self._keys = keys
            _log.info({"event": "secrets_reloaded"})
        elif self.problem is not None:
            _log.info({"event": "secrets_reload_recovered"})
        self.problem = None

    def _check_index_key(self, keys: KeysByPurpose) -> None:
        purpose = KeyPurpose.PHONE_INDEX
        if [key.key for key in keys[purpose]] != [key.key for key in self._keys[purpose]]:
            raise ConfigurationError(
                f'The secrets file {self._path} has another "{purpose}" key, with which no stored '
                "phone number is found. Restore a backup of the file."
            )

    def _check_newest(self, keys: KeysByPurpose) -> None:
        if not self._has_newest(keys):
            raise ConfigurationError(
                f"The secrets file {self._path} lacks the key {self.newest_id} of phone_encryption:"
                f" {_OLDER}"
            )


@dataclass(frozen=True, slots=True)
class FileKeySet:
    """The keys of one purpose, newest first."""

    keys: SecretKeys
    purpose: KeyPurpose
    clock: Clock

    def signing(self) -> Key:
        return select_current_key(self.accepted(), self.clock.now())

    def accepted(self) -> Sequence[Key]:
        return self.keys.current()[self.purpose]


@dataclass(frozen=True, slots=True)
class EncryptionKeySet(FileKeySet):
    """The keys that encrypt phones. A newer one is used when the database knows it."""

    def signing(self) -> Key:
        accepted, newest_id = self.accepted(), self.keys.newest_id
        current = select_current_key(accepted, self.clock.now())
        known = [key for key in accepted if key.id == newest_id]
        is_newer = bool(known) and accepted.index(current) < accepted.index(known[0])
        return known[0] if is_newer else current

    def due(self) -> str:
        """Return the id of the key that is current by its time."""
        return select_current_key(self.accepted(), self.clock.now()).id

    def require(self, key_id: str) -> None:
        self.keys.require(key_id)
