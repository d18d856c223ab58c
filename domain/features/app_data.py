"""The data that the backend of the app keeps with a user."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.errors import TooLong, TooShort, UnsupportedValue
from domain.json_values import check_json

MAX_APP_DATA_BYTES: Final = 4096
"""Bytes of compact JSON in UTF-8."""
MAX_KEY_LENGTH: Final = 64
_SCALARS: Final = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class AppData:
    """What the backend of the app keeps with a user: a flat JSON object. The user reads it.

    It is a record of its own, so that no read of an identity is larger because of it.

    Attributes:
        text: The object as JSON, with sorted keys: one object has one text. As a text it is the
            same in every database, with keys such as `$set`.
    """

    id: str
    text: str

    @property
    def values(self) -> Mapping[str, Any]:
        values: Mapping[str, Any] = json.loads(self.text)
        return values


def parse_app_data(identity_id: str, values: Mapping[str, object]) -> AppData | None:
    """Parse the data of a user: texts, numbers, true, false and null by keys of 1 to 64 characters.

    None for an empty object: nothing is kept then.

    Raises:
        TooShort, TooLong: A key has no character or too many, or the object too many bytes.
        UnsupportedValue: A value is an object or an array.
    """
    for key, value in values.items():
        if not key:
            raise TooShort("A key has at least one character.")
        if len(key) > MAX_KEY_LENGTH:
            raise TooLong(f"A key has at most {MAX_KEY_LENGTH} characters.")
        if not isinstance(value, _SCALARS):
            raise UnsupportedValue(
                f"The value of {key!r} is no text, number, true, false or null. Objects and arrays"
                " are not allowed: send them as a text of JSON."
            )
    check_json(values)
    text = json.dumps(
        values, separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True
    )
    if (size := len(text.encode())) > MAX_APP_DATA_BYTES:
        raise TooLong(
            f"The object has {size} bytes as compact JSON in UTF-8. It has at most"
            f" {MAX_APP_DATA_BYTES}."
        )
    return AppData(identity_id, text) if values else None
