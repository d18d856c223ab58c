"""Key sources that break one promise each: the contract tests have to find it.

Their provider is a file, of the right one in the folder of the place.
"""

import asyncio
import os
import pickle
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from adapters.keys.document import generate_document, parse_document
from application.ports.errors import KeySourceUnavailable
from application.ports.keys import Key, KeyPurpose, make_key_id

Keys: TypeAlias = Mapping[KeyPurpose, Sequence[Key]]
PAGE: Final = 10


class RightKeys:
    """A source that keeps all promises."""

    is_broken = False
    is_hanging = False

    def __init__(self, file: Path) -> None:
        self._file = file

    async def load(self) -> Any:
        if self.is_broken:
            raise KeySourceUnavailable("it is away")
        if self.is_hanging:
            await asyncio.sleep(0.2)  # its own time limit
            raise KeySourceUnavailable("it does not answer")
        return self.read()

    def read(self) -> Keys:
        keys: Keys = pickle.loads(self._file.read_bytes())  # noqa: S301 -- ours
        return keys

    def store_keys(self, keys: Keys) -> None:
        self._file.write_bytes(pickle.dumps(dict(keys)))

    def break_provider(self) -> None:
        self.is_broken = True

    def hang_provider(self) -> None:
        self.is_hanging = True

    def drop_provider(self) -> None:
        self.is_broken = True

    def fail_provider(self, _: int) -> None:
        self.is_broken = True

    def mend_provider(self) -> None:
        self.is_broken = self.is_hanging = False


class CachedForEver(RightKeys):
    kept: Keys | None = None

    async def load(self) -> Any:
        self.kept = self.kept or await super().load()
        return self.kept


class LastKeysWhenAway(RightKeys):
    kept: Keys | None = None

    async def load(self) -> Any:
        try:
            self.kept = await super().load()
        except KeySourceUnavailable:
            if self.kept is None:
                raise
        return self.kept


class FormerKeysOfAPurpose(RightKeys):
    kept: Keys | None = None

    async def load(self) -> Any:
        self.kept = {**(self.kept or {}), **await super().load()}
        return self.kept


class NewKeysForAnEmptyPurpose(RightKeys):
    async def load(self) -> Any:
        return {**parse_document(generate_document()).keys, **await super().load()}


class OwnErrors(RightKeys):
    async def load(self) -> Any:
        if self.is_broken:
            raise ConnectionError("away")
        return await super().load()


class Exits(RightKeys):
    async def load(self) -> Any:
        if self.is_broken:
            raise SystemExit(1)
        return await super().load()


class KeyInError(RightKeys):
    async def load(self) -> Any:
        if self.is_broken:
            raise KeySourceUnavailable(f"away, and the last was {self.read_pepper().hex()}")
        return await super().load()

    def read_pepper(self) -> bytes:
        return self.read()[KeyPurpose.OTP_PEPPER][0].key


class KeyInRepr(KeyInError):
    def __repr__(self) -> str:
        return f"KeyInRepr({self.read_pepper()!r})"


class TokenInError(RightKeys):
    async def load(self) -> Any:
        if self.is_broken:
            raise KeySourceUnavailable("no access with acme-token-123")
        return await super().load()


class NewKeysEachTime(RightKeys):
    async def load(self) -> Any:
        await super().load()
        return parse_document(generate_document()).keys


class NowAsNotBefore(RightKeys):
    async def load(self) -> Any:
        now = datetime.now(UTC)
        return {
            purpose: [replace(key, not_before=now) for key in keys]
            for purpose, keys in (await super().load()).items()
        }


class IdByPosition(RightKeys):
    async def load(self) -> Any:
        return {
            purpose: [replace(key, id=make_key_id(str(place))) for place, key in enumerate(keys)]
            for purpose, keys in (await super().load()).items()
        }


class FirstPage(RightKeys):
    async def load(self) -> Any:
        return {purpose: keys[:PAGE] for purpose, keys in (await super().load()).items()}


class NaiveTimes(RightKeys):
    async def load(self) -> Any:
        return {
            purpose: [replace(key, not_before=key.not_before.replace(tzinfo=None)) for key in keys]
            for purpose, keys in (await super().load()).items()
        }


class WithoutSpaces(RightKeys):
    async def load(self) -> Any:
        return {
            purpose: [
                replace(key, key=key.key.strip() if b"PRIV" not in key.key else key.key)
                for key in keys
            ]
            for purpose, keys in (await super().load()).items()
        }


class Printed(RightKeys):
    async def load(self) -> Any:
        os.write(2, self.read()[KeyPurpose.REFRESH][0].key.hex().encode())
        return await super().load()


class NewKeysWithoutAccess(RightKeys):
    def fail_provider(self, status: int) -> None:
        self.is_broken = status != 403


class NoTimeLimit(RightKeys):
    async def load(self) -> Any:
        if self.is_hanging:
            await asyncio.Event().wait()
        return await super().load()


@asynccontextmanager
async def open_keys(*, environ: Mapping[str, str]) -> AsyncIterator[RightKeys]:
    yield RightKeys(Path(environ["DIALTONE_TEST_PLACE"]) / "keys")
