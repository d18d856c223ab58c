"""The code in the message that a number was changed."""

from datetime import timedelta
from typing import Final

import pytest

from domain.errors import MalformedOtp
from domain.otp.undo_code import ALPHABET, UndoCode, derive_undo_code, parse_undo_code
from tests.support.builders import NOW, a_phone, an_id

KEY: Final = bytes(32)
CODE: Final = UndoCode("K7QM2XPA9RTW")


def test_a_code_has_60_bits_of_symbols_that_do_not_look_alike() -> None:
    assert (len(set(ALPHABET)), set("0O1I") & set(ALPHABET)) == (32, set())
    codes = [
        derive_undo_code(KEY, an_id(), a_phone(), NOW + timedelta(milliseconds=number))
        for number in range(400)
    ]
    assert {len(code.symbols) for code in codes} == {12}
    for position in range(12):
        assert {code.symbols[position] for code in codes} == set(ALPHABET)
    # No group of a code has only digits.
    assert not any(code.has_groups_of_digits for code in codes)
    assert [UndoCode(text).has_groups_of_digits for text in ("2345ABCDEFGH", "234A5BCDE678")] == [
        True,
        False,
    ]


def test_a_code_is_that_of_one_change_of_one_identity_and_number() -> None:
    codes = [
        derive_undo_code(KEY, an_id(), a_phone(), NOW),
        derive_undo_code(bytes([1]) * 32, an_id(), a_phone(), NOW),
        derive_undo_code(KEY, an_id(2), a_phone(), NOW),
        derive_undo_code(KEY, an_id(), a_phone(2), NOW),
        derive_undo_code(KEY, an_id(), a_phone(), NOW + timedelta(milliseconds=1)),
    ]
    assert len({code.symbols for code in codes}) == len(codes)
    assert derive_undo_code(KEY, an_id(), a_phone(), NOW).is_equal(codes[0])


def test_what_is_stored_of_a_used_code_is_another_hash_for_each_key_and_number() -> None:
    ids = {
        CODE.used_id(KEY, a_phone()),
        CODE.used_id(bytes([1]) * 32, a_phone()),
        CODE.used_id(KEY, a_phone(2)),
        UndoCode("K7QM2XPA9RTX").used_id(KEY, a_phone()),
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    "text",
    [
        " k7qm2xpa 9RTW\n", "k7qm\u20112xpa\u20139rtw", "\u2066K7QM-2XPA-9RTW\u2069",
        "K\u0667QM-\u0662XPA-\u0669RTW", "\uff2b\uff17\uff31\uff2d\uff0d\uff12XPA-9RTW",
    ],
)  # fmt: skip
def test_a_code_is_read_as_people_type_it(text: str) -> None:
    assert parse_undo_code(text) == CODE


@pytest.mark.parametrize(
    "text",
    ["", "K7QM-2XPA-9RT", "K7QM-2XPA-9RTWA", "K7QM-2XPA-9RT0", "K7QM_2XPA_9RTW", "é" * 12,
     "K7QM-2XPA-9RTW" + " " * 30],
)  # fmt: skip
def test_any_other_text_is_an_error_that_says_what_a_code_is(text: str) -> None:
    with pytest.raises(MalformedOtp, match="12 letters and digits, as in the message"):
        parse_undo_code(text)


def test_a_code_is_shown_in_groups_and_not_in_a_log() -> None:
    assert (CODE.text, repr(CODE)) == ("K7QM-2XPA-9RTW", "UndoCode(****)")
