"""The GSM 7-bit default alphabet and its extension (3GPP TS 23.038 §6.2.1 and §6.2.1.1)."""

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")


def septets_of(character: str) -> int | None:
    """How many septets it takes: one, two behind the escape, or None when it has none.

    National tables are not counted with: carriers seldom take them.
    """
    if character in _BASIC:
        return 1
    return 2 if character in _EXTENSION else None
