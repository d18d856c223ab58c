"""Fakes of the keys."""

from collections.abc import Mapping, Sequence
from typing import Final

from application.ports.keys import Key
from tests.support.builders import NOW

_SECRET: Final = ("0000000f", bytes(range(32)))


class FakeOtpKeys:
    """OTP keys by id. The first is the current one."""

    def __init__(self, keys: Mapping[str, bytes] | None = None) -> None:
        self.keys = dict(keys or {"first": bytes(32)})

    def current_id(self) -> str:
        return next(iter(self.keys))

    def find_key(self, key_id: str) -> bytes | None:
        return self.keys.get(key_id)


class FakeRefreshKeys:
    """Keys that a test sets. The first signs tokens; all of them are accepted."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = list(keys or (b"r" * 32,))

    def signing(self) -> bytes:
        return self.keys[0]

    def accepted(self) -> Sequence[bytes]:
        return self.keys


class FakeKeyRing:
    """Keys by id, newest first, or one secret. The first signs, or the one that `signs` names."""

    def __init__(self, *keys: tuple[str, bytes], signs: str | None = None) -> None:
        self.keys = tuple(Key(key_id, NOW, key) for key_id, key in keys or [_SECRET])
        self.signs = signs or self.keys[0].id

    def signing(self) -> Key:
        return next(key for key in self.keys if key.id == self.signs)

    def accepted(self) -> Sequence[Key]:
        return self.keys
