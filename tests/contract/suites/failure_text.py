"""What a run shows of an adapter: no secrets."""

import os
import re
from typing import Final

from adapters.operations.logging.masking import mask_phones

_SECRET_NAME: Final = re.compile(r"(?i)auth|cookie|credential|key|pass|pepper|_pwd|secret|token")
_MIN_SECRET: Final = 6
_MASK: Final = "***"
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]*@")
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_CODE: Final = re.compile(r"(?<![\w.-])\d{6}(?![\w.-])")


def hide_secrets(text: str) -> str:
    """Return a text without secrets of the environment, passwords in URLs, phone numbers, codes."""
    values = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    values += [password for value in os.environ.values() for password in _PASSWORD.findall(value)]
    values += [part.strip() for value in values for part in value.split(",")]
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _MIN_SECRET:
            text = text.replace(value, _MASK)
    return _CODE.sub("******", mask_phones(_USERINFO.sub(f"{_MASK}@", text)))
