"""Usernames: the names that people give themselves."""

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Final

from idna import valid_contextj
from precis_i18n import get_profile

from domain.default_ignorable import drop_default_ignorable
from domain.errors import (
    InvalidCharacters,
    InvalidPhone,
    InvalidValue,
    MixedScripts,
    NoVisibleCharacter,
    PhoneAsUsername,
    ReservedName,
    TooLong,
    TooShort,
)
from domain.identities.confusables import caseless_skeletons, is_highly_restrictive, script_of
from domain.identities.emoji import drop_emoji_joiners, drop_emoji_selectors, spell_out_flags
from domain.phone import parse_international_phone, parse_phone

MIN_LENGTH: Final = 1
"""A whole name may be one character, such as the Chinese 李."""
MAX_USERNAME_LENGTH: Final = 64
MAX_USERNAME_KEY_LENGTH: Final = 200
"""A character can stand for eighteen (U+FDFA), and an index has a limit."""
MAX_USERNAME_INPUT_LENGTH: Final = 1000
"""Maximum length before spaces are collapsed."""
DEFAULT_APP_NAME: Final = "Dialtone"
ROLE_NAMES: Final = ("admin", "administrator", "support", "moderator", "auditor", "staff")
"""Names that claim a role, beside that of the app."""
# Cc control, Cs surrogate, Co private use, Zl and Zp line breaks. Unassigned characters are
# allowed: they are the emoji of a Unicode version newer than this Python's.
_FORBIDDEN_CATEGORIES: Final = {"Cc", "Cs", "Co", "Zl", "Zp"}
# Code points that never get a meaning (The Unicode Standard, 23.7).
_NONCHARACTERS: Final = {
    *map(chr, range(0xFDD0, 0xFDF0)),
    *(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)),
}
# Characters without a visible form that are not Default_Ignorable_Code_Point: blank Braille,
# annotation marks, the filler of Khitan and the empty note head.
_BLANK: Final = {*"\u2800\ufff9\ufffa\ufffb\U00016fe4\U0001d159"}
_JOINERS: Final = {*"\u200c\u200d"}
_MONGOLIAN_SELECTORS: Final = {*"\u180b\u180c\u180d\u180f"}
_IDEOGRAPHIC_SELECTORS: Final = {*map(chr, range(0xE0100, 0xE01F0))}
# The scripts whose letters have variants (StandardizedVariants.txt, the Ideographic Variation
# Database), and what selects them.
_SELECTORS: Final = {
    "HAN": {*"\ufe00\ufe01\ufe02"} | _IDEOGRAPHIC_SELECTORS,
    "MONGOLIAN": _MONGOLIAN_SELECTORS,
    "MYANMAR": {"\ufe00"},
    "PHAGS_PA": {"\ufe00"},
}
_DROP_SELECTORS: Final = dict.fromkeys(
    [
        *map(ord, _MONGOLIAN_SELECTORS | _IDEOGRAPHIC_SELECTORS),
        *range(0xFE00, 0xFE10),
    ]
)
_NICKNAME: Final = get_profile("NicknameCaseMapped")
_LOOK_ALIKE_KEY_BYTES: Final = 16
LOOK_ALIKE_KEY_LENGTH: Final = 2 * _LOOK_ALIKE_KEY_BYTES
_MAX_COMPARED_LENGTH: Final = 4 * MAX_USERNAME_LENGTH
"""The profile takes time for each character."""


@dataclass(frozen=True)
class Username:
    """A name as first written. Two names are the same if their keys are equal.

    An identity keeps the key under which its name was stored, although today's rules may derive
    another one: `stored_key` is that key, and None for a name that is not stored.
    """

    text: str
    stored_key: str | None = field(default=None, compare=False)

    @cached_property
    def key(self) -> str:
        """The key that is unique: the same for all spellings of the name."""
        return self.stored_key if self.stored_key is not None else derive_key(self.text)

    @property
    def look_alike_key(self) -> str:
        """The key that finds look-alikes of the name: it is one of their `look_alike_keys`."""
        return self.look_alike_keys[-1]

    @cached_property
    def look_alike_keys(self) -> tuple[str, str]:
        """Hashes of both skeletons, which can be too long for an index; mostly the same."""
        as_it_is, plain = map(_hash_skeleton, caseless_skeletons(self.text))
        return as_it_is, plain

    def is_same(self, other: "Username") -> bool:
        """Return whether both are one name, by their keys or by those that today's rules derive."""
        return not self._all_keys.isdisjoint(other._all_keys)

    @property
    def _all_keys(self) -> set[str]:
        return {self.key, derive_key(self.text)}


def derive_key(text: str) -> str:
    """Return the key of a name: its comparison form as a nickname (RFC 8266, 2.4).

    Variation selectors and the joiners of emoji are dropped before, because they choose between
    forms of one character. The RFC accepts no names with certain characters, such as unassigned
    ones. Their key is the caseless form of the compatibility composition: such a character is no
    way to a name that looks like another one.
    """
    plain = drop_emoji_joiners(spell_out_flags(text)).translate(_DROP_SELECTORS)
    compared = unicodedata.normalize("NFKC", plain)
    if len(compared) <= _MAX_COMPARED_LENGTH:
        try:
            return _NICKNAME.enforce(plain)
        except UnicodeEncodeError:
            pass
    return _fold(unicodedata.normalize("NFKC", _fold(compared)))


def _fold(text: str) -> str:
    """Return the caseless form of a text (The Unicode Standard, 3.13, D145).

    It is decomposed before, because composition could separate a letter from its iota.
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", folded)


def _hash_skeleton(skeleton: str) -> str:
    return blake2b(skeleton.encode(), digest_size=_LOOK_ALIKE_KEY_BYTES).hexdigest()


class UsernameRules:
    """The names that cannot be taken: names of roles, of the app, and phones."""

    def __init__(self, app_name: str = DEFAULT_APP_NAME, default_region: str | None = None) -> None:
        self._app_name = app_name
        self._default_region = default_region

    @cached_property
    def _reserved(self) -> frozenset[str]:
        return frozenset[str]().union(*map(caseless_skeletons, (*ROLE_NAMES, self._app_name)))

    def check(self, name: str) -> None:
        """Check the name as a whole.

        Raises:
            PhoneAsUsername
            ReservedName: it looks like a reserved name, in some capitalization.
        """
        if _is_phone(name, self._default_region):
            raise PhoneAsUsername(
                "This is a phone number, and everybody sees a username. Choose a name."
            )
        if not self._reserved.isdisjoint(caseless_skeletons(name)):
            raise ReservedName("This name is reserved. Choose another username.")


def _is_phone(name: str, default_region: str | None) -> bool:
    for parse in (parse_phone, parse_international_phone):
        try:
            parse(name, default_region)
        except InvalidPhone:
            continue
        except InvalidValue:
            pass  # one that gets no code, or one of two
        return True
    return False


def parse_username(
    text: str, rules: UsernameRules | None = None, own: Username | None = None
) -> Username:
    """Parse a name: NFC, trimmed, inner spaces collapsed, 1 to 64 characters.

    Raises:
        TooLong
        MixedScripts, ReservedName: it could be taken for the name of somebody else.
    """
    if len(text) > MAX_USERNAME_INPUT_LENGTH:
        raise TooLong(f"A username has at most {MAX_USERNAME_LENGTH} characters.")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if own is not None and name == own.text:
        return own
    try:
        _check_length(name)
        _check_characters(text, name)
        if rules is not None:
            rules.check(name)
        if not is_highly_restrictive(name):
            raise MixedScripts(
                "A username does not mix scripts, such as Latin and Cyrillic. Write all of its "
                "letters in one script."
            )
        username = Username(name)
        if len(username.key) > MAX_USERNAME_KEY_LENGTH:
            raise TooLong("This name is too long: some of its characters stand for several.")
    except InvalidValue:
        if own is not None and len(name) <= MAX_USERNAME_LENGTH and own.is_same(Username(name)):
            return own
        raise
    return username


def _check_length(name: str) -> None:
    if len(name) < MIN_LENGTH:
        raise TooShort("A username has at least one character.")
    if len(name) > MAX_USERNAME_LENGTH:
        raise TooLong(f"A username has at most {MAX_USERNAME_LENGTH} characters.")


def _check_characters(text: str, name: str) -> None:
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text.strip()):
        raise InvalidCharacters("A username has no control characters or line breaks.")
    if not any(map(_is_visible, name)):
        raise NoVisibleCharacter("A username has at least one visible character.")
    if name.isascii():
        return
    rest = drop_emoji_selectors(drop_emoji_joiners(spell_out_flags(name)))
    is_forbidden = any(
        drop_default_ignorable(character) == "" and not _is_needed(rest, position)
        for position, character in enumerate(rest)
    )
    if is_forbidden or not _BLANK.isdisjoint(rest) or not _NONCHARACTERS.isdisjoint(rest):
        raise InvalidCharacters("A username has no invisible characters.")


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LNSP" or category == "Cn"


def _is_needed(name: str, position: int) -> bool:
    """Return whether an invisible character changes the form of a letter beside it.

    Joiners do where domain names can have them (RFC 5892, A.1 and A.2).
    """
    if name[position] in _JOINERS:
        try:
            return valid_contextj(name, position)
        except ValueError:  # the character before it is unassigned
            return False
    return position > 0 and name[position] in _SELECTORS.get(script_of(name[position - 1]), ())
