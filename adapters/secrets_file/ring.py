from collections.abc import Callable, Sequence

from application.ports.clock import Clock
from application.ports.key_ring import Key


class FileKeyRing:
    """One list of the secrets file, newest first as it stands there."""

    def __init__(self, keys: Callable[[], tuple[Key, ...]], clock: Clock) -> None:
        """Take what gives the list as it is now."""
        self._keys = keys
        self._clock = clock

    def signing(self) -> Key:
        """Give the first key whose `not_before` has come, else the last."""
        keys, now = self._keys(), self._clock.now()
        return next((one for one in keys if one.not_before <= now), keys[-1])

    def accepted(self) -> Sequence[Key]:
        """Give all keys of the list: those that do not sign yet, and those that did once."""
        return self._keys()
