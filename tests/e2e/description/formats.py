"""What a schema cannot say, as examples: phones, names that people have, and pictures."""

import unicodedata
from functools import cache
from typing import Final

import phonenumbers
import schemathesis
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from tests.images import animated_gif, plain_jpeg, transparent_png, truncated_jpeg

_KINDS: Final = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
_FULL_WIDTH: Final = {ord("+"): 0xFF0B} | {0x30 + digit: 0xFF10 + digit for digit in range(10)}
_BLANK: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that show nothing."""
_ARABIC: Final = {0x30 + digit: 0x0660 + digit for digit in range(10)}


@cache
def phones_of_the_world() -> tuple[str, ...]:
    """A mobile and a fixed line of every country that has them, E.164."""
    examples = (
        phonenumbers.example_number_for_type(country, kind)
        for country in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in _KINDS
    )
    return tuple(phonenumbers.format_number(one, PhoneNumberFormat.E164) for one in examples if one)


def spellings(e164: str) -> list[str]:
    """One number as people write it; the + is always there, so that no region is needed."""
    spaced = phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    code, _, rest = spaced.partition(" ")
    return [
        e164,
        spaced,
        spaced.replace(" ", "-"),
        spaced.replace(" ", "."),
        f"{code} ({rest})",
        f"  {e164}\u2060 ",
        e164.translate(_FULL_WIDTH),
        spaced.translate(_ARABIC),
    ]


def phones(own: str) -> st.SearchStrategy[str]:
    """Phones of the whole world in all spellings, now and then the caller's own."""
    numbers = st.sampled_from(phones_of_the_world()) | st.just(own)
    return numbers.flatmap(lambda one: st.sampled_from(spellings(one)))


def usernames(own: str) -> st.SearchStrategy[str]:
    """Names of the letters, digits and signs of all scripts, now and then the caller's own."""
    written = st.characters(categories=["L", "N", "P", "S"], exclude_characters=_BLANK)
    words = st.text(written, min_size=2, max_size=20).filter(_is_composed)
    return st.lists(words, min_size=1, max_size=3).map(" ".join) | st.just(own)


def _is_composed(word: str) -> bool:
    # What counts of a name is its composed form, which may be longer or shorter.
    return unicodedata.is_normalized("NFC", word)


@cache
def files() -> tuple[bytes, ...]:
    """Pictures of each kind, a broken one, and what is no picture."""
    return (
        plain_jpeg(8, 6),
        transparent_png(8, 6),
        animated_gif(width=8, height=6),
        truncated_jpeg(),
        b"%PDF-1.7",
    )


def register_formats(own_phone: str, own_name: str) -> None:
    """Have schemathesis make phones and names by these strategies from now on."""
    schemathesis.openapi.format("phone", phones(own_phone))
    schemathesis.openapi.format("username", usernames(own_name))
