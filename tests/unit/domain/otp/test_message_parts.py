"""The length of an SMS (3GPP TS 23.038, TS 23.040)."""

import pytest

from domain.otp.message_parts import SmsEncoding, SmsLength, measure_sms

GSM7, UCS2 = SmsEncoding.GSM7, SmsEncoding.UCS2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", SmsLength(GSM7, 0, 1)), ("é\nÇ@", SmsLength(GSM7, 4, 1)),
        ("a" * 160, SmsLength(GSM7, 160, 1)), ("a" * 161, SmsLength(GSM7, 161, 2)),
        ("a" * 306, SmsLength(GSM7, 306, 2)), ("a" * 307, SmsLength(GSM7, 307, 3)),
        ("ж" * 70, SmsLength(UCS2, 70, 1)), ("ж" * 71, SmsLength(UCS2, 71, 2)),
        ("ж" * 134, SmsLength(UCS2, 134, 2)), ("ж" * 135, SmsLength(UCS2, 135, 3)),
        *((character, SmsLength(UCS2, 1, 1)) for character in "óç\uffff"),
    ],
)  # fmt: skip
def test_a_text_is_measured_as_carriers_measure_it(text: str, length: SmsLength) -> None:
    assert measure_sms(text) == length


def test_a_character_of_the_extension_table_takes_two_septets_that_are_not_split() -> None:
    for character in "^{}\\[~]|€\f":
        assert measure_sms(character * 80) == SmsLength(GSM7, 160, 1)
        assert measure_sms(character * 80 + "a") == SmsLength(GSM7, 161, 2)
    assert measure_sms("a" * 152 + "€" + "a" * 152).parts == 3
    assert measure_sms("a" * 151 + "€" + "a" * 153).parts == 2


def test_an_emoji_takes_two_units_and_is_not_split_between_parts() -> None:
    assert measure_sms("😀" * 35) == SmsLength(UCS2, 70, 1)
    assert measure_sms("a" * 66 + "😀" + "a" * 66).parts == 3
    assert measure_sms("a" * 65 + "😀" + "a" * 67).parts == 2


def test_the_basic_alphabet_has_127_characters_besides_the_escape() -> None:
    # All of its Latin and Greek letters, punctuation and currencies are below U+3000.
    characters = [chr(code_point) for code_point in range(0x3000)]
    basic = [text for text in characters if measure_sms(text) == SmsLength(GSM7, 1, 1)]
    assert len(basic) == 127
