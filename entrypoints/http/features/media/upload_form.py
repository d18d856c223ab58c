"""The multipart form of an upload, parsed while it arrives."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from application.features.media.limits import RunningUpload, UploadLimiter
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.media.errors import (
    FileTooLarge,
    FormTooLarge,
    NoFilePart,
    NoSelectedFile,
)
from entrypoints.http.features.media.settings import media_settings
from entrypoints.http.requests.parsing import repeated_field
from entrypoints.http.requests.request import ApiRequest

MAX_FORM_OVERHEAD_BYTES: Final = 64 * 1024
"""The form may have this many bytes besides the file."""
MAX_FIELD_BYTES: Final = 4096
MAX_PARTS: Final = 32
MAX_PART_HEADERS: Final = 8
MAX_PART_HEADER_BYTES: Final = 4224
"""Bytes of one header, with its name. It has the file name, which is not read."""
BLOCK_BYTES: Final = 64 * 1024
MALFORMED_FORM: Final = exceptions.FieldError(
    "body", FieldErrorCode.INVALID_FORM, "The multipart form is incomplete or malformed."
)
_NO_UTF_8: Final = exceptions.FieldError(
    "body", FieldErrorCode.INVALID_FORM, "The text of a form must be UTF-8."
)
_EXTENDED: Final = re.compile(
    r""";\s*(?P<key>(?:file)?name)\*[0-9]*\*?\s*=\s*"?(?:[\w-]*'[\w-]*')?(?P<value>[^;"]*)""",
    re.IGNORECASE,
)
"""A parameter with a charset (RFC 8187), or a part of one (RFC 2231), such as `filename*=`."""
_FIELDS: Final = {"user_id", "category", "type"}
"""The fields that are read. All others are ignored."""
_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "latin-1",  # what Apache HttpClient in Java sends with each text by default
}
"""Codecs by charset. RFC 7578 §5.1.2 allows others, but some of Python's are unsafe for foreign
input.
"""


@asynccontextmanager
async def open_upload_form(
    request: ApiRequest, limiter: UploadLimiter
) -> AsyncIterator[tuple[BinaryIO, dict[str, str]]]:
    """Read the form; return the file at its beginning, and the other fields.

    - The file is closed at the end of the block.
    - Reading stops as soon as the file exceeds the limit, regardless of Content-Length (OWASP ASVS
      5.0 5.2.1).
    - The upload is admitted before the body is read. A client that waits for "100 Continue" has
      then sent no body.
    - A body without Content-Length announces the maximum size.

    Raises:
        FileTooLarge: The file exceeds the limit.
        NoFilePart: No part named `file` has a file name.
        InvalidFields: The form is incomplete or malformed, or a field is sent twice.
    """
    limit = media_settings(request).upload_limit
    request.require_identity_encoding()
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type != "multipart/form-data":
        raise NoFilePart
    content_length = request.headers.get("content-length", "")
    announced_bytes = int(content_length) if content_length.isdecimal() else limit
    if announced_bytes > limit + MAX_FORM_OVERHEAD_BYTES:
        raise FileTooLarge(limit)
    identity_id, announced_bytes = request.principal.identity.id, min(announced_bytes, limit)
    async with limiter.admit(identity_id, request.client_ip, announced_bytes) as upload:
        reader = _FormReader(limit, upload)
        try:
            async with upload.receive():
                with _PartParser(
                    options.get("boundary", ""),
                    max_segment_count=MAX_PARTS,
                    max_header_count=MAX_PART_HEADERS,
                    max_header_size=MAX_PART_HEADER_BYTES,
                    # Each byte is a character of it, so a name may have any charset. Ours are
                    # ASCII, and the name of a file is not read.
                    header_charset="latin-1",
                ) as parser:
                    await reader.read(parser, request.stream())
        except (MultipartError, UnicodeError) as error:
            raise exceptions.InvalidFields(MALFORMED_FORM) from error
        fields = reader.form()
        yield await upload.finish(), fields


class _PartParser(PushMultipartParser):  # type: ignore[misc]  # multipart ships no types
    """Ignores the Content-Length of a part, which RFC 7578 §4.8 forbids and OkHttp sends."""

    def _on_segment_headerline(self, line: bytes) -> None:
        if line.partition(b":")[0].strip().lower() == b"content-length":
            line = b"Ignored-" + line.lstrip()
        super()._on_segment_headerline(line)


class _FormReader:
    def __init__(self, limit: int, upload: RunningUpload) -> None:
        self._limit = limit
        self._upload = upload
        self._total_bytes = 0
        self._file_part: MultipartSegment | None = None
        self._part_count = 0
        self._names: set[str] = set()
        self._fields: dict[str, str] = {}

    async def read(self, parser: _PartParser, chunks: AsyncIterator[bytes]) -> None:
        part: MultipartSegment | None = None
        text = bytearray()
        async for block in _in_blocks(chunks):
            self._total_bytes += len(block)
            if self._total_bytes > self._limit + MAX_FORM_OVERHEAD_BYTES:
                raise FormTooLarge(
                    f"The form is larger than {self._limit + MAX_FORM_OVERHEAD_BYTES} bytes."
                )
            # The parser yields a segment at its beginning, then its data, then None at its end.
            for event in self._parse(parser, block):
                if isinstance(event, MultipartSegment):
                    part, text = event, bytearray()
                    self._begin(part)
                elif part is not None and part is self._file_part:
                    await self._append(bytes(event or b""))
                elif part is None or part.filename is not None:
                    continue
                elif event and len(text) <= MAX_FIELD_BYTES:
                    text.extend(event)
                elif event is None and part.name in _FIELDS:
                    self._fields[part.name] = _decode(text, part.charset)
        if not self._total_bytes:
            raise NoFilePart

    def _parse(
        self, parser: _PartParser, block: bytes
    ) -> Iterator[MultipartSegment | bytes | None]:
        try:
            yield from parser.parse(block)
        except ParserLimitReached as error:
            # It does not say which limit. After the last part it reads no headers.
            if self._part_count == MAX_PARTS:
                text = f"The form has more than {MAX_PARTS} parts."
            else:
                text = (
                    f"A part of the form has more than {MAX_PART_HEADERS} headers, or one of more"
                    f" than {MAX_PART_HEADER_BYTES} bytes. The file name is in a header."
                )
            raise FormTooLarge(text) from error

    def _begin(self, part: MultipartSegment) -> None:
        self._part_count += 1
        _read_extended(part)
        is_file = part.name == "file" and part.filename is not None
        # Clients in Dart by openapi-generator send a text `file` beside the file.
        if not is_file and part.name not in _FIELDS:
            return
        if part.name in self._names:
            raise exceptions.InvalidFields(repeated_field(part.name))
        self._names.add(part.name)
        if is_file:
            self._file_part = part

    def form(self) -> dict[str, str]:
        if self._file_part is None:
            raise NoFilePart
        if not self._file_part.filename:
            raise NoSelectedFile
        return self._fields

    async def _append(self, data: bytes) -> None:
        if self._upload.received_bytes + len(data) > self._limit:
            raise FileTooLarge(self._limit)
        await self._upload.append(data)


async def _in_blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # What the parser accepts can depend on where its input is cut. With blocks of a fixed size,
    # the same body always gets the same response.
    rest = memoryview(b"")
    async for chunk in chunks:
        view = memoryview(chunk)
        while len(rest) + len(view) >= BLOCK_BYTES:
            end = BLOCK_BYTES - len(rest)
            yield b"".join((rest, view[:end]))
            rest, view = view[:0], view[end:]
        rest = memoryview(b"".join((rest, view))) if rest else view
    if rest:
        yield bytes(rest)


def _read_extended(part: MultipartSegment) -> None:
    """Read names that have a charset, which some clients send although RFC 7578 §4.2 forbids it.

    A file is selected if one of its names is not empty. As no name of a file is kept, they are not
    decoded, and none can be wrong.
    """
    extended: dict[str, str] = {}
    for match in _EXTENDED.finditer(part["Content-Disposition"]):
        key = match["key"].lower()
        extended[key] = extended.get(key, "") + match["value"].strip()
    part.name = part.name or extended.get("name", "")
    part.filename = part.filename or extended.get("filename", part.filename)


def _decode(text: bytearray, charset: str | None) -> str:
    codec = _CODECS.get((charset or "utf-8").lower())
    if codec is None:
        raise exceptions.InvalidFields(_NO_UTF_8)
    # A text that is too long may be cut in the middle of a character. Its parser rejects it.
    is_whole = len(text) <= MAX_FIELD_BYTES
    try:
        return text.decode(codec, "strict" if is_whole else "ignore")
    except UnicodeDecodeError as error:
        raise exceptions.InvalidFields(_NO_UTF_8) from error
