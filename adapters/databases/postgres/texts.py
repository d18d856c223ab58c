r"""Texts as PostgreSQL stores them: neither `text` nor `jsonb` has the character NUL.

NUL is stored as U+0001 U+0001, and U+0001 as U+0001 U+0002. The order of texts stays that of their
code points.
"""

import re
from typing import Final

_ENCODED: Final = {"\0": "\1\1", "\1": "\1\2"}
_DECODED: Final = {encoded: text for text, encoded in _ENCODED.items()}
# In JSON these characters are escaped, and other escapes may look like them: a backslash, `u0000`.
_JSON_ESCAPE: Final = re.compile(r"\\(?:u000[01]|.)")
_ENCODED_JSON: Final = {r"\u0000": r"\u0001\u0001", r"\u0001": r"\u0001\u0002"}
_STORED_JSON_ESCAPE: Final = re.compile(r"\\(?:u0001\\u000[12]|.)")
_DECODED_JSON: Final = {encoded: text for text, encoded in _ENCODED_JSON.items()}


def encode_text(text: str) -> str:
    """Return a text as it is stored."""
    if "\0" not in text and "\1" not in text:
        return text
    return re.sub("[\0\1]", lambda found: _ENCODED[found[0]], text)


def decode_text(stored: str) -> str:
    """Return the text that is stored like this."""
    if "\1" not in stored:
        return stored
    return re.sub("\1[\1\2]", lambda found: _DECODED[found[0]], stored)


def encode_json(body: str) -> str:
    """Return a JSON text as it is stored: all texts in it are encoded."""
    if r"\u000" not in body:
        return body
    return _JSON_ESCAPE.sub(lambda found: _ENCODED_JSON.get(found[0], found[0]), body)


def decode_json(stored: str) -> str:
    """Return the JSON text that is stored like this."""
    if r"\u0001" not in stored:
        return stored
    return _STORED_JSON_ESCAPE.sub(lambda found: _DECODED_JSON.get(found[0], found[0]), stored)
