"""How long a text is as an SMS (3GPP TS 23.038, TS 23.040)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.otp.texts.sms_length import Alphabet, SmsLength, sms_length

GSM, UCS = Alphabet.GSM7, Alphabet.UCS2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", SmsLength(GSM, 0, 1)),
        ("a" * 160, SmsLength(GSM, 160, 1)),
        ("a" * 161, SmsLength(GSM, 161, 2)),
        ("a" * 306, SmsLength(GSM, 306, 2)),
        ("a" * 307, SmsLength(GSM, 307, 3)),
        ("ж" * 70, SmsLength(UCS, 70, 1)),
        ("ж" * 71, SmsLength(UCS, 71, 2)),
        ("ж" * 134, SmsLength(UCS, 134, 2)),
        ("ж" * 135, SmsLength(UCS, 135, 3)),
        ("é\nÇ@", SmsLength(GSM, 4, 1)),
        ("ó", SmsLength(UCS, 1, 1)),
        ("ç", SmsLength(UCS, 1, 1)),
    ],
)
def test_a_text_is_counted_as_carriers_count_it(text: str, length: SmsLength) -> None:
    assert sms_length(text) == length


@pytest.mark.parametrize("character", "^{}\\[~]|€\f")
def test_a_character_of_the_extension_counts_twice(character: str) -> None:
    assert sms_length(character * 80) == SmsLength(GSM, 160, 1)
    assert sms_length(character * 80 + "a") == SmsLength(GSM, 161, 2)


def test_the_escape_is_never_cut_off_from_what_it_escapes() -> None:
    assert sms_length("a" * 152 + "€" + "a" * 152).messages == 3
    assert sms_length("a" * 151 + "€" + "a" * 153).messages == 2


def test_an_emoji_takes_two_words_and_is_never_cut_in_two() -> None:
    assert sms_length("😀" * 35) == SmsLength(UCS, 70, 1)
    assert sms_length("a" * 66 + "😀" + "a" * 66).messages == 3
    assert sms_length("a" * 65 + "😀" + "a" * 67).messages == 2


def test_the_last_character_of_the_first_plane_takes_one_word() -> None:
    assert sms_length("\uffff") == SmsLength(UCS, 1, 1)


def test_160_septets_are_140_octets_and_so_are_70_words() -> None:
    assert sms_length("a" * 160).octets == sms_length("ж" * 70).octets == 140
    assert sms_length("a").octets == 1


def test_the_basic_alphabet_has_127_characters_beside_the_escape() -> None:
    # Latin, Greek, punctuation and currencies; all of it is below.
    some = [chr(point) for point in range(0x3000)]
    basic = [one for one in some if sms_length(one) == SmsLength(GSM, 1, 1)]
    assert len(basic) == 127


@given(st.text(), st.text())
def test_a_longer_text_is_never_cheaper(text: str, more: str) -> None:
    assert sms_length(text).messages <= sms_length(text + more).messages
