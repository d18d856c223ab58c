"""The keys of a source outside of the service, loaded at the start and again while it runs."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from adapters.causes import Cause, cause_of
from adapters.keys.keys import RELOAD_INTERVAL, SecretKeys
from adapters.keys.rules import InvalidKeys, KeysByPurpose, check_key_strength, check_keys
from application.ports.errors import KeySourceUnavailable, PortError
from application.ports.keys import KEY_LOAD_TIMEOUT, Key, KeyPurpose, KeySource
from application.ports.system import Clock
from application.tasks import call_adapter, is_ended

_DELAY: Final = 2 * RELOAD_INTERVAL
"""One interval until all processes have loaded a new key, and one for the time that this takes."""
_Known: TypeAlias = dict[tuple[KeyPurpose, str], tuple[Key, datetime]]
"""The keys by purpose and id, each with the time since which it is known."""
_log = logging.getLogger(__name__)


async def load_source(
    source: KeySource, *, max_index_keys: int = 1, is_strict: bool = False
) -> KeysByPurpose:
    """Load and check the keys of a source; return them newest first.

    Args:
        source: Anybody's code, which may do anything.
        max_index_keys: Two while the index key is changed.
        is_strict: Also reject weak keys.

    Raises:
        KeySourceUnavailable: It has failed, took too long, or what it returned is invalid.
    """
    try:
        loaded = await call_adapter("keys", source.load, KEY_LOAD_TIMEOUT)
        keys = check_keys(loaded, max_index_keys)
        if is_strict:
            check_key_strength(keys)
    except InvalidKeys as error:
        # Without the cause, so that no traceback shows a key.
        raise KeySourceUnavailable("the keys are invalid", str(error)) from None
    except TimeoutError:
        reason = f"it did not respond within {KEY_LOAD_TIMEOUT:g} seconds"
        raise KeySourceUnavailable(reason) from None
    # A bug there must neither end the service nor show what it had read.
    except BaseException as error:
        if is_ended():
            raise
        raise _unavailable(error) from None
    return {
        purpose: tuple(sorted(listed, key=lambda key: (key.not_before, key.id), reverse=True))
        for purpose, listed in keys.items()
    }


def _unavailable(error: BaseException) -> KeySourceUnavailable:
    # A reason that is no text, such as another exception, may say what it had read.
    if isinstance(error, PortError) and isinstance(getattr(error, "reason", None), str):
        return KeySourceUnavailable(
            error.reason, str(error).removeprefix(error.reason).removeprefix(": ")
        )
    return KeySourceUnavailable("it failed", str(Cause(type(error).__name__, str(cause_of(error)))))


class SourceKeys(SecretKeys):
    """The keys of a source.

    - A new key is accepted at once. It signs from its `not_before` on, but not before all processes
      have loaded it: two intervals after this one has seen it first. A process that starts takes
      `not_before` for that time. So a KMS may say when it made a key.
    - If the source fails, hangs or returns something invalid, the keys stay in use.
    """

    def __init__(
        self, source: KeySource, keys: KeysByPurpose, clock: Clock, *, is_strict: bool = False
    ) -> None:
        """Use keys that were loaded from the source."""
        self._source = source
        self._is_strict = is_strict
        self._failure: KeySourceUnavailable | None = None
        self._is_loading = False
        self._known: _Known = {}
        super().__init__(self._delay_new(keys, clock.now(), is_start=True), clock)

    async def load(self) -> Mapping[KeyPurpose, Sequence[Key]]:
        """Ask the source, unless it ignores that an earlier call was cancelled.

        Otherwise each interval would leave one more call.
        """
        if self._is_loading:
            raise KeySourceUnavailable("an earlier call has not ended")
        self._is_loading = True
        try:
            return await self._source.load()
        finally:
            self._is_loading = False

    async def reload(self) -> None:
        """Load the keys again, and log a change, a failure and its end.

        Raises:
            KeySourceUnavailable: The keys stay as they are.
        """
        try:
            loaded = await load_source(self, is_strict=self._is_strict)
            self._check_same(loaded)
        except KeySourceUnavailable as error:
            if str(error) != str(self._failure):
                _log.error({"event": "secrets_reload_failed", "reason": str(error)})
            self._failure = error
            raise
        keys = self._delay_new(loaded, self._clock.now())
        if keys != self._keys:
            self._keys = keys
            _log.info({"event": "secrets_reloaded"})
        elif self._failure is not None:
            _log.info({"event": "secrets_reload_recovered"})
        self._failure = None

    async def check(self) -> None:
        if self._failure is not None:
            raise KeySourceUnavailable(self._failure.reason)

    def _check_same(self, loaded: KeysByPurpose) -> None:
        index_key = loaded[KeyPurpose.PHONE_INDEX][0]
        if index_key.key != self._keys[KeyPurpose.PHONE_INDEX][0].key:
            raise KeySourceUnavailable(
                "the keys are invalid",
                f'"{KeyPurpose.PHONE_INDEX}" has another key, with which no stored phone number is '
                "found. Restore the one from before",
            )
        for purpose, keys in loaded.items():
            for key in keys:
                known, _ = self._known.get((purpose, key.id), (key, None))
                if known.key != key.key:
                    raise KeySourceUnavailable(
                        "the keys are invalid",
                        f'the id {key.id} of "{purpose}" has another key. A new key needs an id of '
                        "its own",
                    )

    def _delay_new(
        self, loaded: KeysByPurpose, now: datetime, *, is_start: bool = False
    ) -> KeysByPurpose:
        """Return the keys with a later `not_before` where others may not have loaded one yet."""
        known: _Known = {}
        delayed: dict[KeyPurpose, tuple[Key, ...]] = {}
        for purpose, keys in loaded.items():
            for key in keys:
                seen_at = min(key.not_before, now) if is_start else now
                _, since = self._known.get((purpose, key.id), (key, seen_at))
                known[purpose, key.id] = key, since
            *newer, oldest = keys
            delayed[purpose] = (
                *(_delay(key, known[purpose, key.id][1] + _DELAY) for key in newer),
                oldest,  # it signs if no other one does
            )
        self._known = known
        return delayed


def _delay(key: Key, until: datetime) -> Key:
    return Key(key.id, max(key.not_before, until), key.key)
