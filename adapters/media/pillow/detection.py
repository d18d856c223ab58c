"""Detection of a file's media type by its first bytes."""

import re
from typing import Final

from domain.features.media.image import SourceFormat

SNIFFED_BYTES: Final = 4096
_UNKNOWN: Final = "application/octet-stream"
# Magic numbers as in the "MIME Sniffing" standard of WHATWG, and in the registrations of IANA.
_SIGNATURES: Final = (
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBP", "image/webp"),
    (rb"%PDF-", "application/pdf"),
    (rb"BM.{4}\0\0\0\0", "image/bmp"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (rb"PK\x03\x04", "application/zip"),
    (rb"\x1a\x45\xdf\xa3", "video/webm"),
    (rb"ID3|\xff[\xfb\xf3\xf2]", "audio/mpeg"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*(?:<(?:\?xml|!--|!doctype svg).*?)?<svg[\s/>]", "image/svg+xml"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|script)", "text/html"),
)
_TYPES: Final = [(re.compile(signature, re.DOTALL), name) for signature, name in _SIGNATURES]
# ISO/IEC 14496-12, 4.3: the brands of the `ftyp` box.
_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEIF_BRANDS: Final = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_SOURCES: Final = {f"image/{name}": name for name in SourceFormat}


def detect_type(start: bytes) -> str:
    """Return the media type of a file by its first bytes, at most `SNIFFED_BYTES`."""
    for signature, name in _TYPES:
        if signature.match(start):
            return name
    if start[4:8] == b"ftyp":
        return _detect_by_brands(start)
    is_text = start and b"\0" not in start and start.decode("utf-8", "ignore").encode() == start
    return "text/plain" if is_text else _UNKNOWN


def source_format(media_type: str) -> SourceFormat | None:
    """Return the format that decodes this type, or None."""
    return SourceFormat.HEIC if media_type == "image/heif" else _SOURCES.get(media_type)


def _detect_by_brands(start: bytes) -> str:
    box = start[: int.from_bytes(start[:4])]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    if brands[0] == b"qt  ":
        return "video/quicktime"
    if not _AVIF_BRANDS.isdisjoint(brands):
        return "image/avif"
    if _HEIF_BRANDS.isdisjoint(brands):
        return "video/mp4"
    return "image/heic" if brands[0].startswith(b"he") else "image/heif"
