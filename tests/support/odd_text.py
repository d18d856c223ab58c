"""JSON that decoders reject, because of what people and carriers wrote."""

from codecs import BOM_UTF8
from typing import Final

ODD_TEXT: Final = rb"\ud83d \\\uDE00 \ude00\ud83d" + b"Jos\xe9 \xed\xa0\xbd \0\x1f\n"
"""Halves of an emoji, bytes that are not UTF-8, and control characters."""


def write_oddly(body: bytes) -> bytes:
    """Return a JSON body with a BOM, and with odd text in the place of NAME."""
    return BOM_UTF8 + body.replace(b"NAME", ODD_TEXT)
