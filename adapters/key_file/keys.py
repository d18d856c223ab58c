"""Loading the secrets file, reloading it while the service runs, and the ports it implements."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.key_file.document import (
    InvalidDocument,
    KeyPurpose,
    KeysByPurpose,
    SecretsDocument,
    check_key_strength,
    generate_document,
    parse_document,
)
from adapters.key_file.file import check_ownership, create_private_file, read_private_file
from application.ports.errors import ConfigurationError
from application.ports.keys import Key, KeyRing
from application.ports.system import Clock
from domain.otp.challenge import Mac

RELOAD_INTERVAL: Final = timedelta(seconds=30)
"""Maximum age of the keys that a process uses; new keys become active after two intervals."""
_RELOAD_SECONDS: Final = RELOAD_INTERVAL.total_seconds()
_log = logging.getLogger(__name__)


def load_secrets_file(
    path: Path,
    *,
    create_missing: bool = False,
    is_strict: bool = False,
    max_index_keys: int = 1,
) -> SecretsDocument:
    """Load and check the secrets file.

    Processes that create a missing file at the same time all load the same keys.

    Args:
        path: The secrets file.
        create_missing: Create a file with random keys if none exists.
        is_strict: Also reject weak keys, and files that other users can replace.
        max_index_keys: Two while the index key is changed.

    Raises:
        ConfigurationError: the message names the problem and its fix.
    """
    text = read_private_file(path)
    if text is None and create_missing:
        create_private_file(path, generate_document())
        # Read again, because another process may have created the file first.
        text = read_private_file(path)
    if text is None:
        raise ConfigurationError(
            f"The secrets file {path} does not exist. Set DIALTONE_SECRETS_FILE to an existing "
            f"file, or create it with new keys: dialtone keys generate {path}"
        )
    if is_strict:
        check_ownership(path)
    return _check_document(
        text, f"The secrets file {path}", is_strict=is_strict, max_index_keys=max_index_keys
    )


def generate_secrets_file(path: Path) -> str | None:
    """Create a secrets file with new keys.

    Returns:
        Why production would reject it, with the fix, or None.

    Raises:
        ConfigurationError: it exists already, or cannot be created.
    """
    if not create_private_file(path, generate_document()):
        raise ConfigurationError(
            f"{path} exists and was not changed, because its keys may be in use: name another file."
        )
    try:
        check_ownership(path)
    except ConfigurationError as error:
        return str(error)
    return None


def _check_document(
    text: str, name: str, *, is_strict: bool, max_index_keys: int = 1
) -> SecretsDocument:
    try:
        document = parse_document(text, max_index_keys)
        if is_strict:
            check_key_strength(document.keys)
    except InvalidDocument as error:
        # Without the cause, so that no traceback shows a part of the document.
        raise ConfigurationError(
            f"{name} is invalid: {error}. Correct it, or restore a backup of the whole document."
        ) from None
    return document


def select_current_key(keys: Sequence[Key], now: datetime) -> Key:
    """Return the first key whose `not_before` has passed, otherwise the last key."""
    return next((key for key in keys if key.not_before <= now), keys[-1])


class Keys(Protocol):
    """All keys."""

    def current(self) -> KeysByPurpose:
        """Return the keys; it is the same object until the keys change."""
        ...


def find_inactive_keys(keys: KeysByPurpose, now: datetime) -> str | None:
    """Return why a key would be used that is not active yet, with the fix, or None."""
    for purpose, listed in keys.items():
        first = min(key.not_before for key in listed)
        if first > now:
            return (
                f'No key of "{purpose}" is active before {first:%Y-%m-%dT%H:%M:%SZ}: set the clock '
                "of this machine, or correct `not_before` of the oldest key."
            )
    return None


class ReloadingKeys:
    """The keys of a secrets file that can be replaced at any time.

    - The file is checked when a key is needed, at most once per interval. So no key is used that
      was read longer ago, and an idle process does no work.
    - If the file is missing, invalid or another service's, the keys stay in use and one error is
      logged.
    - Thread-safe.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        create_missing: bool = False,
        is_strict: bool = False,
        read_seconds: Callable[[], float] = time.time,
    ) -> None:
        """Load the keys; see `load_secrets_file` for its arguments and errors.

        `read_seconds` is the time of the clock in seconds, without the cost of a datetime.
        """
        self._path = path
        self._clock = clock
        self._is_strict = is_strict
        self._lock = threading.Lock()
        document = load_secrets_file(path, create_missing=create_missing, is_strict=is_strict)
        self._keys = document.keys
        self._read_seconds = read_seconds
        self._checked_at = read_seconds()
        # Unknown, because the file may have been replaced since it was read. Reading it once more
        # does no harm.
        self._file_state: tuple[int, ...] | None = None
        self._last_error: str | None = None

    def current(self) -> KeysByPurpose:
        """Return the keys; it is the same object until the keys change."""
        now = self._read_seconds()
        if self._is_check_due(now):
            with self._lock:
                if self._is_check_due(now):
                    self._check_file()
                    self._checked_at = now
        return self._keys

    def key_set(self, purpose: KeyPurpose) -> KeyRing:
        """Return the keys of one purpose, which change when the file does."""
        return FileKeySet(self, purpose, self._clock)

    def _is_check_due(self, now: float) -> bool:
        # Also if the clock was set back, which must not delay the next check.
        return not 0 <= now - self._checked_at < _RELOAD_SECONDS

    def _check_file(self) -> None:
        try:
            self._reload_if_changed()
        except ConfigurationError as error:
            self._file_state = None
            self._log_new_error(str(error))

    def _reload_if_changed(self) -> None:
        # Before the text is read, so that the next check notices a change in between.
        file_state = _read_file_state(self._path)
        if file_state is not None and file_state == self._file_state:
            return
        keys = load_secrets_file(self._path, is_strict=self._is_strict).keys
        index_keys = [key.key for key in keys[KeyPurpose.PHONE_INDEX]]
        if index_keys != [key.key for key in self._keys[KeyPurpose.PHONE_INDEX]]:
            raise ConfigurationError(
                f'The secrets file {self._path} has another "{KeyPurpose.PHONE_INDEX}" key, with '
                "which no stored phone number is found. Restore a backup of the file."
            )
        if keys != self._keys:
            self._keys = keys
            _log.info({"event": "secrets_reloaded"})
        elif self._last_error is not None:
            _log.info({"event": "secrets_reload_recovered"})
        self._file_state, self._last_error = file_state, None

    def _log_new_error(self, reason: str) -> None:
        if reason != self._last_error:
            _log.error({"event": "secrets_reload_failed", "reason": reason})
        self._last_error = reason


class UnchangingKeys:
    """The keys of a document that does not change while the process runs."""

    def __init__(self, text: str, clock: Clock, *, is_strict: bool = False) -> None:
        """Parse the document; see `load_secrets_file` for the arguments.

        Raises:
            ConfigurationError: it is invalid, or `is_strict` and it has a weak key.
        """
        self._keys = _check_document(text, "The value", is_strict=is_strict).keys
        self._clock = clock

    def current(self) -> KeysByPurpose:
        """Return the keys."""
        return self._keys

    def key_set(self, purpose: KeyPurpose) -> KeyRing:
        """Return the keys of one purpose."""
        return FileKeySet(self, purpose, self._clock)


class FileKeySet:
    """The keys of one purpose, newest first."""

    def __init__(self, keys: Keys, purpose: KeyPurpose, clock: Clock) -> None:
        """Select the keys of `purpose` from all keys of the file."""
        self._keys = keys
        self._purpose = purpose
        self._clock = clock

    def signing(self) -> Key:
        """Return the current key."""
        keys = self.accepted()
        # Mostly there is one key, which needs no time.
        return keys[0] if len(keys) == 1 else select_current_key(keys, self._clock.now())

    def accepted(self) -> Sequence[Key]:
        """Return all keys: the current one, former ones and those that are not yet active."""
        return self._keys.current()[self._purpose]


class StaticKeySet:
    """Keys that do not change, for a job that runs once."""

    def __init__(self, keys: Sequence[Key], now: datetime) -> None:
        """Use these keys, newest first, as they are at this time."""
        self._keys = keys
        self._now = now

    def signing(self) -> Key:
        """Return the current key."""
        return select_current_key(self._keys, self._now)

    def accepted(self) -> Sequence[Key]:
        """Return all keys."""
        return self._keys


class FileOtpKeys:
    """The keys that derive one-time codes."""

    def __init__(self, key_set: KeyRing) -> None:
        """Use the keys of this set."""
        self._key_set = key_set
        self._macs: dict[str, Mac] = {}
        self._macs_of: Sequence[Key] = ()

    def current_id(self) -> str:
        """Return the id of the key for new challenges."""
        return self._key_set.signing().id

    def find_mac(self, key_id: str) -> Mac | None:
        """Return the HMAC with the key, or None if it was removed."""
        keys = self._key_set.accepted()
        if keys is not self._macs_of:
            self._macs = {key.id: _prepare_hmac(key.key) for key in keys}
            self._macs_of = keys
        return self._macs.get(key_id)


class FileRefreshKeys:
    """The keys that authenticate refresh tokens."""

    def __init__(self, key_set: KeyRing) -> None:
        """Use the keys of this set."""
        self._key_set = key_set

    def signing(self) -> bytes:
        """Return the key for new tokens."""
        return self._key_set.signing().key

    def accepted(self) -> Sequence[bytes]:
        """Return all keys that verify tokens, newest first."""
        return [key.key for key in self._key_set.accepted()]


def _prepare_hmac(key: bytes) -> Mac:
    prepared = HMAC(key, SHA256())

    def compute(message: bytes) -> bytes:
        # A copy takes half as long as `hmac.digest`, which hashes the key each time.
        copy = prepared.copy()
        copy.update(message)
        return copy.finalize()

    return compute


def _read_file_state(path: Path) -> tuple[int, ...] | None:
    """Return values that differ after each change of the file, including chmod and rename."""
    try:
        status = path.stat()
    except OSError:
        return None  # reading the file reports the reason
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
