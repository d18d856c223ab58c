"""The files of an export of a person, and what features add to it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from domain.identities.identity import Identity

_NO_LONGER_THERE: Final = "It is no longer there."


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export. It is read to its end before the next one is asked for.

    `missing_files` is how many files it names that are not in the export.
    """

    name: str
    modified_at: datetime
    chunks: AsyncIterator[bytes]
    is_text: bool = False
    missing_files: int = 0


@dataclass(slots=True)
class MissingFiles:
    """The files that are not in the export, and why."""

    files: list[Mapping[str, str]] = field(default_factory=list)

    def add(self, name: str, reason: str = _NO_LONGER_THERE) -> None:
        self.files.append({"file": name, "reason": reason})


class ExportedFiles(Protocol):
    """The files that a feature adds to an export."""

    @property
    def explained_files(self) -> Mapping[str, str]:
        """Its files and folders, and what is in each."""
        ...

    async def check(self, identity: Identity) -> None:
        """Check that the files can be read: once a response has begun, its status stays.

        Raises:
            PortError
        """
        ...

    def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        """Yield the files, each of which is read to its end before the next one.

        Raises:
            PortError: A part of the data cannot be read now.
        """
        ...


def json_file(name: str, content: Any, now: datetime) -> ExportFile:
    """Return a file of JSON."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=_encode)
    return text_file(name, text + "\n", now)


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not part of an export")


def text_file(name: str, text: str, now: datetime) -> ExportFile:
    """Return a file of text."""
    return ExportFile(name, now, _once(text.encode()), is_text=True)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
