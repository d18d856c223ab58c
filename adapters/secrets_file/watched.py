"""The keys while the service runs."""

import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from adapters.secrets_file.load import load_or_make_secrets
from adapters.secrets_file.ring import FileKeyRing
from adapters.secrets_file.secrets import Secrets, SecretsNotUsable
from application.ports.clock import Clock

RELOAD_INTERVAL: Final = timedelta(seconds=30)
"""How old may be what a process knows of the file; a new key signs after two of them."""
_log = logging.getLogger(__name__)


class _Stamp(NamedTuple):
    """What tells one state of a file from another; a chmod or a rename changes it as well."""

    inode: int
    size: int
    modified: int
    changed: int


class WatchedSecrets:
    """The keys of a file that may be replaced at any time.

    - It is looked at when a key is needed, at most once an interval, so that no key is ever used
      on knowledge that is older; where nobody needs one, nothing is done.
    - A file that is gone, broken, or another's, changes nothing: the keys stay as they were and
      one line of the log says so, until it can be read again.
    - Threads may share it.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        may_make: bool,
        is_strict: bool = False,
        interval: timedelta = RELOAD_INTERVAL,
    ) -> None:
        """Read the keys; makes the file where there is none and `may_make`.

        Raises:
            SecretsNotUsable: see `load_or_make_secrets`.
        """
        self._path = path
        self._clock = clock
        self._is_strict = is_strict
        self._interval = interval
        self._lock = threading.Lock()
        self._secrets = load_or_make_secrets(path, may_make=may_make, is_strict=is_strict)
        self._looked = clock.now()
        self._next_look = self._looked + interval
        # Not the file's own: it may have been replaced since, and reading it twice harms nobody.
        self._stamp: _Stamp | None = None
        self._complaint = ""
        self.otp_keys = FileKeyRing(lambda: self.current().otp_keys, clock)
        self.seal_keys = FileKeyRing(lambda: self.current().seal_keys, clock)
        self.signing_keys = FileKeyRing(lambda: self.current().signing_keys, clock)
        self.refresh_keys = FileKeyRing(lambda: self.current().refresh_keys, clock)

    def current(self) -> Secrets:
        """Give the keys: the same object until the file holds others."""
        now = self._clock.now()
        if not self._is_fresh(now):
            with self._lock:
                if not self._is_fresh(now):
                    self._look(now)
        return self._secrets

    def _is_fresh(self, now: datetime) -> bool:
        # From both sides: a clock that was put back must not hold up a look.
        return self._looked <= now < self._next_look

    def _look(self, now: datetime) -> None:
        try:
            self._read_if_changed()
        except SecretsNotUsable as error:
            self._stamp = None
            if str(error) != self._complaint:
                _log.error("The keys stay as they were: %s", error)
            self._complaint = str(error)
        self._looked, self._next_look = now, now + self._interval

    def _read_if_changed(self) -> None:
        # Taken before the text is, so that a change in between is seen at the next look.
        stamp = _stamp(self._path)
        if stamp is not None and stamp == self._stamp:
            return
        secrets = load_or_make_secrets(self._path, may_make=False, is_strict=self._is_strict)
        if secrets.index_key.key != self._secrets.index_key.key:
            raise SecretsNotUsable(
                f"The secrets file {self._path} has another index key, under which no phone of "
                "the database is found: put back a copy of the file as it was."
            )
        if secrets != self._secrets:
            self._secrets = secrets
            _log.info("The keys were read anew")
        elif self._complaint:
            _log.info("The secrets file can be read again")
        self._stamp, self._complaint = stamp, ""


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None  # whoever reads it says why
    return _Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
