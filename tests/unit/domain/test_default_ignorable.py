"""Which characters are dropped, and that nothing else is."""

from precis_i18n.unicode import UnicodeData

from domain.default_ignorable import drop_default_ignorable


def test_exactly_the_code_points_of_the_standard_are_dropped() -> None:
    is_ignorable = UnicodeData().default_ignorable  # has its own copy of the standard's list
    # There are none in the other planes.
    characters = [*map(chr, [*range(0x2_0000), *range(0xE_0000, 0xE_2000)])]
    kept = [character for character in characters if not is_ignorable(ord(character))]
    assert len(characters) - len(kept) == 4174
    assert drop_default_ignorable("".join(characters)) == "".join(kept)
