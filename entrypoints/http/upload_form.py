"""The upload's form, read as it arrives."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast

from litestar import Request
from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from domain.errors import FileTooLarge, MediaStorageFailed, NoFilePart, NoSelectedFile
from entrypoints.http.blocks import in_blocks
from entrypoints.http.refusals import BodyUnreadable

IN_MEMORY: Final = 1024 * 1024
"""So much of a file is kept in memory; a larger one goes to a temporary file."""
LONGEST_FIELD: Final = 4096
FIELDS: Final = {"user_id", "category"}
"""Those that are read; whatever else a form holds is passed over."""
CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")
"""RFC 7578 §5.1.2 knows of others; whoever may name any codec may name one that hurts."""
MOST_PARTS: Final = 32
FORM_OVERHEAD: Final = 64 * 1024
"""What a form may hold besides its file."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The file, at its beginning, and the other fields."""

    file: BinaryIO
    fields: dict[str, str]


@asynccontextmanager
async def open_upload_form(
    request: Request[Any, Any, Any], limit: int
) -> AsyncIterator[UploadForm]:
    """Read the form; the file is gone when the block ends.

    Reading stops as soon as the file is longer than `limit` bytes, whatever Content-Length
    said (OWASP ASVS 5.0 5.2.1).

    Raises:
        FileTooLarge
        NoFilePart: no part named `file` has a file name.
        NoSelectedFile: its file name is empty.
        BodyUnreadable: not a multipart form, or a broken one.
        MediaStorageFailed: there was no room to keep it meanwhile.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type != "multipart/form-data":
        raise NoFilePart
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit + FORM_OVERHEAD:
        raise FileTooLarge(limit)
    with _closed_quietly(SpooledTemporaryFile(max_size=IN_MEMORY)) as file:
        reading = _Reading(cast("BinaryIO", file), limit)
        try:
            with PushMultipartParser(
                options.get("boundary", ""), max_segment_count=MOST_PARTS
            ) as parser:
                await reading.read(parser, request.stream())
            form = reading.form()
        except (MultipartError, ParserLimitReached, UnicodeError) as error:
            raise BodyUnreadable("This is not a complete multipart form.") from error
        except OSError as error:
            raise MediaStorageFailed from error
        yield form


@contextmanager
def _closed_quietly(file: SpooledTemporaryFile[bytes]) -> Iterator[SpooledTemporaryFile[bytes]]:
    try:
        yield file
    finally:
        # Closing writes what is left once more, and nobody wants that any more.
        with suppress(OSError):
            file.close()


class _Reading:
    """What was read of a form so far."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._total = 0
        self._size = 0
        self._segment: MultipartSegment | None = None
        self._fields: dict[str, str] = {}

    async def read(self, parser: PushMultipartParser, chunks: AsyncIterator[bytes]) -> None:
        segment: MultipartSegment | None = None
        text = bytearray()
        async for block in in_blocks(chunks):
            self._total += len(block)
            if self._total > self._limit + FORM_OVERHEAD:
                raise FileTooLarge(self._limit)
            for part in parser.parse(block):
                if isinstance(part, MultipartSegment):
                    segment, text = part, bytearray()
                    if self._segment is None and _is_file(part):
                        self._segment = part
                elif segment is not None and segment is self._segment:
                    await self._keep(bytes(part or b""))
                elif segment is None or segment.filename is not None:
                    continue
                elif part and len(text) <= LONGEST_FIELD:
                    text.extend(part)
                elif part is None and segment.name in FIELDS:
                    self._fields.setdefault(segment.name, _read(text, segment.charset))
        if not self._total:
            raise NoFilePart

    def form(self) -> UploadForm:
        if self._segment is None:
            raise NoFilePart
        if not self._segment.filename:
            raise NoSelectedFile
        self._file.seek(0)
        return UploadForm(self._file, self._fields)

    async def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise FileTooLarge(self._limit)
        if self._size > IN_MEMORY:
            await asyncio.to_thread(self._file.write, data)
        else:
            self._file.write(data)


def _read(text: bytearray, charset: str | None) -> str:
    if (charset or CHARSETS[0]).lower() not in CHARSETS:
        raise BodyUnreadable("The text of a form is UTF-8.")
    return text.decode(CHARSETS[0])


def _is_file(segment: MultipartSegment) -> bool:
    return segment.name == "file" and segment.filename is not None
