"""An export as a ZIP archive, which is made while it is sent."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from application.features.export import Export

MEDIA_TYPE: Final = "application/zip"
_MODE: Final = 0o600 << 16
"""The mode of a Unix file, as ZIP has it: only its owner reads it."""


class _Sink:
    """The bytes that `ZipFile` has written. It cannot seek, so no byte changes later."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, content: bytes) -> int:
        self._written += content
        return len(content)

    def flush(self) -> None:
        """Do nothing: the taker of the bytes sends them."""

    def close(self) -> None:
        """Do nothing: it is memory."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


async def write_archive(export: Export) -> AsyncGenerator[bytes, None]:
    """Yield the archive in parts, one file after the other. Nothing is written to a disk.

    The caller completes the export when the last part was sent. Errors of the export propagate: the
    archive is broken then.
    """
    sink = _Sink()
    with ZipFile(sink, "w") as archive:
        async with aclosing(export.files()) as files:
            async for file in files:
                info = ZipInfo(file.name, file.modified_at.timetuple()[:6])
                # Images and sounds are compressed already.
                info.compress_type = ZIP_DEFLATED if file.is_text else ZIP_STORED
                info.external_attr = _MODE
                with archive.open(info, "w") as entry:
                    async for chunk in file.chunks:
                        entry.write(chunk)
                        yield sink.take()
    yield sink.take()


def archive_name(identity_id: str) -> str:
    """Return the file name of an export."""
    return f"dialtone-export-{identity_id}.zip"
