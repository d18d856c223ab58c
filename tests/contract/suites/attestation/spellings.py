"""Other spellings of a response, which a lenient parser reads as the same."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Any, Final

_BASE64: Final = f"{ascii_letters}{digits}-_"


def other_spellings(response: str) -> dict[str, str]:
    """Return other spellings of a response, by what is different."""
    middle = len(response) // 2
    spellings = {
        "with a space before it": f" {response}",
        "with a line break after it": f"{response}\n",
        "with a line break in it": f"{response[:middle]}\n{response[middle:]}",
        "with a character that Base64 ignores": f"{response[:middle]}!{response[middle:]}",
        "without padding": response.rstrip("="),
        "with more padding": f"{response}==",
        "in the other alphabet of Base64": response.translate(str.maketrans("+/-_", "-_+/")),
        "in capital letters": response.upper(),
        "in small letters": response.lower(),
        "with percent encoding": "".join(f"%{byte:02X}" for byte in response.encode()),
        **dict(_with_other_last_characters(response)),
        **dict(_with_other_json(response)),
    }
    return {how: spelling for how, spelling in spellings.items() if spelling != response}


def decode_base64(text: str) -> bytes:
    """Return what a text of Base64 has, in any alphabet and padding; nothing if it has none."""
    try:
        return b64decode(text.rstrip("=").translate(str.maketrans("-_", "+/")) + "==")
    except ValueError:
        return b""


def _with_other_last_characters(response: str) -> Iterator[tuple[str, str]]:
    """Yield responses where the last character of a part has other bits that no decoder reads."""
    parts = response.split(".")
    for index, part in enumerate(parts):
        content = decode_base64(part)
        for last in _BASE64:
            other = f"{part[:-1]}{last}"
            if content and other != part and decode_base64(other) == content:
                changed = ".".join([*parts[:index], other, *parts[index + 1 :]])
                yield f"whose part {index + 1} ends with {last}", changed


def _with_other_json(response: str) -> Iterator[tuple[str, str]]:
    """Yield responses whose JSON, as it is or in Base64, is written in another way."""
    for is_encoded, text in ((False, response.encode()), (True, decode_base64(response))):
        try:
            content: Any = json.loads(text)
        except ValueError:
            continue
        if not isinstance(content, dict):
            continue
        where = "in Base64" if is_encoded else "as JSON"
        for how, other in (
            ("with spaces", json.dumps(content, indent=1)),
            ("in another order", json.dumps(dict(reversed(content.items())))),
            ("with another field", json.dumps({**content, "another": 1})),
        ):
            yield (
                f"{where} {how}",
                b64encode(other.encode()).decode() if is_encoded else other,
            )
