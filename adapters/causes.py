"""What an exception says about its cause, without the values that it quotes.

The text of a library's exception may have input in it: a phone number, a code, a password. So the
log shows the fields that are known to have none, and of the message what is left without values.
"""

import errno
import re
import ssl
from collections.abc import Collection
from functools import singledispatch
from typing import Final, NamedTuple

import msgspec

MAX_MESSAGE_LENGTH: Final = 200
_MAX_READ: Final = 2000
"""Characters of a message that are looked at: the time for a message has a limit, too."""
_MARK: Final = "*"
"""Replaces values. ASCII, since JSON escapes other characters."""
_CUT: Final = "..."

# A name of something secret that is followed by its value, and all after it: nobody knows where the
# value ends.
_SECRET: Final = re.compile(
    r"""(?ix) (?P<name>
        (?<!status[ _]) (?<!exit[ _]) (?<!error[ _]) \b code ["'`]? \s* [=:]
      | \b (?: pass | pin ) ["'`]? \s* [=:]
      | (?: api.?key | authorization | cookie | credentials? | otp | pass(?:code|phrase|wd|word)
          | pepper | private.?key | pwd | secret | signature | token ) \w* ["'`]? \s* [=:]
      | \b bearer \s )
    .* """
)
# These are rare in messages in English. Opening and closing ones differ by language, so that all
# between the first and the last one is removed.
_TYPOGRAPHIC: Final = re.compile("[“”„‟«»‹›「」『』‘‚‛＂＇].*(?:[“”„‟«»‹›「」『』‘’‛＂＇]|$)")  # noqa: RUF001
# A quote that is followed by a letter or a digit does not close: it is a part of the value.
_QUOTED: Final = re.compile(
    r"""(?x) (?<=[^\W\d_]) ['’] (?:d|ll|m|re|s|t|ve) (?!\w)  # an apostrophe: can't
    | (?:\b[bfru]{1,2})? (?P<quote>["'`])
      (?P<inner> (?: [^\\"'`] | \\. | \\$ | (?!(?P=quote))["'`] | (?P=quote)(?=\w) )* )
      (?P<end> (?P=quote)? )""",  # noqa: RUF001
    re.IGNORECASE,
)
# Up to the last @, since a password in a URL may have spaces.
_URL: Final = re.compile(r"(?<![A-Za-z+])([A-Za-z+]{1,20})://(?:.*@)?\S*")
_ASSIGNED: Final = re.compile(r"=(?:\s*\([^)]*|[^,;&)\]}]+)")
# {'phone': 1}, User(Asha), <User Asha>
_OBJECTS: Final = (
    (re.compile(r"\{.*(?:\}|$)"), "{*}"),
    (re.compile(r"\b([A-Z]\w*)\((?:[^()]|\([^()]*\))*(?:\)|$)"), r"\1(*)"),
    (re.compile(r"<([A-Za-z_][\w.]*)\s[^<>]*>"), r"<\1 *>"),
)
_WORD: Final = re.compile(r"\S+")
_MARKS: Final = re.compile(r"\*(?:\s*\*)+")
_LETTER: Final = re.compile(r"[^\W\d_]")
_PUNCTUATION: Final = "([{<>}]),.;:!?\"'"
_MAX_WORD_LENGTH: Final = 64
# Anything with a digit: numbers, codes, phone numbers in any form, IPs, most tokens. Then e-mail
# addresses and userinfo, JWTs, IPv6 addresses, and paths with their queries.
_VALUE: Final = re.compile(r"[\d@?\\]|^eyJ|:.*:|^[/~]|/.*/")
# Words, constants and names of classes. Random letters are none of these.
_PLAIN: Final = re.compile(r"[a-z]{0,16}(?:[A-Z][a-z])?(?:[A-Z]{1,12}[a-z]{2,16})*[A-Z]{0,16}")
_MIN_TOKEN_LENGTH: Final = 8
_ASCII_LETTERS: Final = re.compile(r"[A-Za-z]+")
_BACKTICKS: Final = re.compile(r"`([^`]*)`")


class Cause(NamedTuple):
    """Why something failed, for the log.

    Attributes:
        code: What the documentation of the library or the server lists, such as a SQLSTATE.
        message: One line without values, or an empty text.
    """

    code: str = ""
    message: str = ""

    def __str__(self) -> str:
        """Return code and message."""
        return ": ".join(filter(None, self))


@singledispatch
def cause_of(error: BaseException) -> Cause:
    """Return what the log may show of an exception beside its class.

    A package that imports a library registers a function for the library's exceptions that have
    codes, or messages whose values `mask_message` does not recognize.
    """
    return Cause(message=mask_message(_text_of(error)))


@cause_of.register
def _(error: BaseExceptionGroup) -> Cause:
    return Cause(message=mask_message(error.message))


@cause_of.register
def _(error: AttributeError | NameError | ImportError) -> Cause:
    # The names that the interpreter sets are those of code.
    names = {error.name, type(getattr(error, "obj", None)).__name__} if error.name else ()
    return Cause(message=mask_message(_text_of(error), names))


@cause_of.register
def _(error: OSError) -> Cause:
    # Of a known error, the message has nothing but the path besides.
    symbol = errno.errorcode.get(error.errno or 0)
    return Cause(symbol) if symbol else Cause(message=mask_message(_text_of(error)))


@cause_of.register
def _(error: ssl.SSLError) -> Cause:
    # It is an OSError whose errno is none of the system.
    return Cause(message=mask_message(_text_of(error)))


@cause_of.register
def _(error: msgspec.ValidationError) -> Cause:
    # In backticks are types and fields of the schema, but for a field that is not in it.
    text = str(error)
    is_of_input = text.startswith("Object contains unknown field")
    return Cause(message=mask_message(text, () if is_of_input else _BACKTICKS.findall(text)))


def mask_message(text: str, names: Collection[str] = ()) -> str:
    """Return the first line of a message without values, at most `MAX_MESSAGE_LENGTH` characters.

    Removed are text in quotes, also what follows a quote that does not end; all words with a digit;
    e-mail addresses, URLs but for the scheme, IPs and paths; words that look like tokens; what
    follows `=`; what objects contain; and all after the name of a secret with its value, such as
    `password: `.

    Args:
        text: The message of an exception.
        names: Texts that stay if they are in quotes: names of tables, constraints and types.

    Returns:
        The message with `*` in the place of values; an empty text if nothing else is left.
    """
    line = _TYPOGRAPHIC.sub(_MARK, _SECRET.sub(rf"\g<name>{_MARK}", _first_line(text)))
    for pattern, shown in _OBJECTS:
        line = pattern.sub(shown, line)
    masked = _MARKS.sub(_MARK, _mask_quoted(line, names)).strip()
    if _LETTER.search(masked) is None:
        return ""
    if len(masked) > MAX_MESSAGE_LENGTH:
        masked = masked[: MAX_MESSAGE_LENGTH - len(_CUT)] + _CUT
    return masked


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 -- an operator's adapter may raise anything
        return ""


def _first_line(text: str) -> str:
    # Further lines are details of the driver, source code or input.
    is_cut = len(text) > _MAX_READ
    lines = text[:_MAX_READ].strip().splitlines() or [""]
    if is_cut and len(lines) == 1:
        # What is left of the last word may not be recognized as a part of a value.
        return lines[0].rpartition(" ")[0]
    return lines[0]


def _mask_quoted(line: str, names: Collection[str]) -> str:
    quoted = [match for match in _QUOTED.finditer(line) if match["quote"]]
    if quoted and not quoted[-1]["end"]:
        # Which of these quotes is not closed is not known: it may be the first one.
        unclosed = quoted[-1]["quote"]
        begin = next(match.start() for match in quoted if match["quote"] == unclosed)
        return _mask_quoted(line[:begin], names) + _MARK
    parts, position = list[str](), 0
    for match in quoted:
        parts.append(_mask_words(line[position : match.start()]))
        parts.append(match[0] if match["inner"] in names else _MARK)
        position = match.end()
    return "".join([*parts, _mask_words(line[position:])])


def _mask_words(text: str) -> str:
    text = _ASSIGNED.sub(f"={_MARK}", _URL.sub(rf"\1://{_MARK}", text))
    return _WORD.sub(_mask_word, text)


def _mask_word(match: re.Match[str]) -> str:
    word = match[0]
    text = word.strip(_PUNCTUATION)
    if text.endswith(f"://{_MARK}") or not _is_value(text):
        return word
    begin = word.index(text)
    return word[:begin] + _MARK + word[begin + len(text) :]


def _is_value(word: str) -> bool:
    return (
        len(word) > _MAX_WORD_LENGTH
        or _VALUE.search(word) is not None
        or any(
            len(letters) >= _MIN_TOKEN_LENGTH and _PLAIN.fullmatch(letters) is None
            for letters in _ASCII_LETTERS.findall(word)
        )
    )
