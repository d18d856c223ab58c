"""What is left of the message of a library's exception; see also `test_logged_causes.py`."""

import base64
import random
import string
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec
import pytest

from adapters.causes import MAX_MESSAGE_LENGTH, cause_of, mask_message


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        # Words stay, with their apostrophes.
        ("Signature verification failed", "Signature verification failed"),
        ("can't start the user's new thread", "can't start the user's new thread"),
        ("UNIQUE constraint failed: identities.username", None),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", None),
        ("application.ports.errors.StorageUnavailable is no PyMongoError", None),
        # Text in quotes of any kind.
        ("invalid literal for int(): 'tops'", "invalid literal for int(): *"),
        ("'Asha' is no \"Rao\" of `Pune`", "* is no * of *"),
        ("got “Asha” and « Rao »", "got *"),
        ("got b'Asha' and rb\"Rao\"", "got * and *"),
        ("it is 'it's Asha' here", "it is * here"),
        (r"it is 'it\'s \'Asha\' Rao' here", "it is * here"),
        ("got ''", "got *"),
        # A quote that does not end: nobody knows which one.
        ("got 'Asha", "got *"),
        ("got 'Asha' or 'Rao", "got *"),
        ("got 'x' as \"Asha Rao", "got * as *"),
        # Numbers, and every word with a digit: codes, phones in any form, IPs, hosts with a port.
        ("your code is 123456.", "your code is *."),
        ("Ihr Code ist 12-34-56", "Ihr Code ist *"),
        ("calls +1 (415) 555-2671 now", "calls * (*) * now"),
        ("calls 98765 43210, or tel:+14155552671", "calls *, or *"),
        ("calls \uff0b\u0661\u0664\u0661\u0665", "calls *"),
        ("cannot reach 10.1.2.3:5432 or [fe80::1]", "cannot reach * or [*]"),
        ("cannot reach dead:beef::cafe", "cannot reach *"),
        # E-mail addresses, URLs and paths.
        ("no mail for <asha.rao@example.com>", "no mail for <*>"),
        ("cannot open https://u:p@host/x?token=y", "cannot open https://*"),
        ("mongodb+srv://asha:my pass phrase@host/db is invalid", "mongodb+srv://* is invalid"),
        ("GET /users/asha/media failed", "GET * failed"),
        ("no file search?q=asha", "no file *"),
        ("expected text/html or application/json", None),
        # Tokens.
        ("rejects eyJhbGci.eyJzdWIi.sig", "rejects *"),
        ("rejects dGhlLXNlY3JldC10b2tlbg", "rejects *"),
        ("rejects AbCdEfGhIjKl", "rejects *"),
        ("rejects abcdefghijklmnopqrstuvwxyz", "rejects *"),
        ("rejects a7f3e", "rejects *"),
        # What follows the name of a secret, to the end.
        ("password: correct horse, battery", "password:*"),
        ('bad {"otp": hunter} here', "bad {*}"),
        ("Authorization: Basic abc def", "Authorization:*"),
        ("the header Bearer abc", "the header Bearer *"),
        ("access_token = abc def", "access_token =*"),
        ("user: it, pass: hunter", "user: it, pass:*"),
        ("PIN: four two, passed: all", "PIN:*"),
        ("error code: AccessDenied", None),
        # What follows `=`, and what objects contain.
        ("host=db user=asha rao, mode=ro", "host=*, mode=*"),
        ("Key (phone)=(asha, rao) exists", "Key (phone)=*) exists"),
        ("cannot save User(Asha Rao) and <User Asha Rao>", "cannot save User(*) and <User *>"),
        ("cannot save User(Asha, Name(Rao), x)", "cannot save User(*)"),
        ("cannot save User(Asha", "cannot save User(*)"),
        ("full error: {'ok': 0, 'name': Asha}", "full error: {*}"),
        # One line.
        ("failed\nDETAIL: Asha", "failed"),
        ("\r\n\n it failed\u2028LINE: Asha", "it failed"),
        # Nothing is left.
        ("'phone'", ""),
        ("+14155552671", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_message_is_shown_without_values(message: str, shown: str | None) -> None:
    assert mask_message(message) == (message if shown is None else shown)


def test_names_of_the_schema_stay_in_quotes() -> None:
    text = 'column "username" of "identities" has "username "'
    assert mask_message(text, {"username", "identities"}) == (
        'column "username" of "identities" has *'
    )


def test_a_message_has_at_most_200_characters_and_a_cut_shows_no_value() -> None:
    assert len(mask_message("word " * 1000)) == MAX_MESSAGE_LENGTH
    # The place of the cut is in the middle of each value, of which the rest says what it is.
    for value in ("'Asha Rao'", "asha.rao.of.pune@example.com", '"x" "Asha Rao"'):
        for before in range(1980, 2001):
            text = "\u00a0" * before + value + " end" * 10_000
            assert "sha" not in mask_message(text)
            assert "sha" not in mask_message("(" * before + " " + value + " end" * 10_000)


@pytest.mark.parametrize(
    "part",
    ["'", '"', "`", "“", "\\'", "a", "aA", "= ", "://", "a://", "a.b@", "secret ", "code", "{",
     "<a ", "A(", "password", ":", "*", "x" * 70 + " "],
)  # fmt: skip
def test_long_messages_take_no_time(part: str) -> None:
    """A pattern that goes back and forth in them would take years."""
    for text in (part * 1_000_000, part * 1_000_000 + "'", "x '" + part * 1_000_000):
        assert len(mask_message(text)) <= MAX_MESSAGE_LENGTH


def test_names_of_code_stay() -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(None, "phone")  # noqa: B009 -- it fails
    error = AttributeError("'Asha' has no attribute 'Rao'")

    assert cause_of(raised.value).message == "'NoneType' object has no attribute 'phone'"
    assert cause_of(ModuleNotFoundError("No module named 'cbor'", name="cbor")).message == (
        "No module named 'cbor'"
    )
    assert cause_of(error).message == "* has no attribute *"


def test_fields_of_a_schema_stay_and_those_of_the_input_do_not() -> None:
    class User(msgspec.Struct, forbid_unknown_fields=True):
        phone: int

    shown = {
        b'{"phone": "+14155552671"}': "Expected `int`, got `str` - at `$.phone`",
        b"{}": "Object missing required field `phone`",
        b'{"phone": 1, "Asha": 1}': "Object contains unknown field *",
        b'{"phone"': "Input data was truncated",
    }
    for body, message in shown.items():
        with pytest.raises(msgspec.DecodeError) as raised:
            msgspec.json.decode(body, type=User)
        assert cause_of(raised.value).message == message


# Random secrets in random sentences

SENTENCES: Final = (
    "{}", "the value {} is wrong", "cannot parse {}", "failed: {}", "({})", "[{}]",
    "{}: not found", "'{}' is invalid", 'got "{}"', "key={}", "{{'phone': '{}'}}", "User({})",
    "<User {}>", "at {}.", "https://host/path/{}", "postgresql://user:{}@host/name",
    "password: {}", "to={}&from=x", "`{}`", "b'{}' has no end", "“{}”", "first '{}, then \"{}\"",
    "can't send to {}", "x\n{}", "/users/{}/x",
)  # fmt: skip


def a_token(source: Random) -> str:
    size = source.randrange(16, 64)
    encode = source.choice([base64.b64encode, base64.urlsafe_b64encode, base64.b32encode])
    return encode(source.randbytes(size)).decode().rstrip("=")


def a_phone(source: Random) -> str:
    digits = "".join(source.choices(string.digits, k=source.randrange(7, 14)))
    cut = source.randrange(1, len(digits) - 2)
    return source.choice(["+", "00", "", "tel:"]) + source.choice(
        [digits, f"{digits[:cut]} {digits[cut:]}", f"{digits[:cut]}-{digits[cut:]}"]
    )


SECRETS: Final[dict[str, Callable[[Random], str]]] = {
    "token": a_token,
    "phone": a_phone,
    "code": lambda source: "".join(source.choices(string.digits, k=6)),
    "hex": lambda source: source.randbytes(source.randrange(8, 32)).hex(),
    "email": lambda source: "".join(source.choices(string.ascii_lowercase, k=8)) + "@example.com",
    "ipv4": lambda source: ".".join(str(source.randrange(256)) for _ in range(4)),
    "ipv6": lambda source: ":".join(f"{source.randrange(65536):x}" for _ in range(8)),
    "password": lambda source: "".join(source.choices(string.ascii_letters, k=12))
    + str(source.randrange(10)) + source.choice("!%*~"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_is_shown_in_any_sentence(kind: str) -> None:
    source = random.Random(kind)
    for _ in range(400):
        secret = SECRETS[kind](source)
        for sentence in SENTENCES:
            masked = mask_message(sentence.format(secret, secret))
            parts = [secret, *secret.split(), secret[:8], secret[-8:]]
            assert not [part for part in parts if len(part) > 3 and part in masked], (
                sentence, secret, masked,
            )  # fmt: skip
