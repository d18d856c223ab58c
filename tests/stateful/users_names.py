"""Names and numbers as people write them; which are the same is written here by hand."""

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Name:
    """A name as somebody writes it, as it is shown, and which of the names it is.

    `example` sets the names of one example apart from those of all others.
    """

    written: str
    shown: str
    which: str

    def of(self, example: int) -> "Name":
        """The same name in an example."""
        texts = (self.written, self.shown, self.which)
        return Name(*(text.replace("#", str(example)) for text in texts))


_NAMES: Final = (
    Name("Rahul Sharma #", "Rahul Sharma #", "rahul sharma #"),
    Name("  rahul  SHARMA #\t ", "rahul SHARMA #", "rahul sharma #"),
    Name("RAHUL\u00a0Sharma\u3000#", "RAHUL Sharma #", "rahul sharma #"),
    Name("Zo\u00eb #", "Zo\u00eb #", "zo\u00eb #"),
    Name("ZOE\u0308 #", "ZO\u00cb #", "zo\u00eb #"),
    Name("Zoe #", "Zoe #", "zoe #"),
    Name("Straße #", "Straße #", "strasse #"),
    Name("STRASSE #", "STRASSE #", "strasse #"),
    Name("\u0130lker #", "\u0130lker #", "i\u0307lker #"),
    Name("i\u0307LKER #", "i\u0307LKER #", "i\u0307lker #"),
    Name("\ufb01ona #", "\ufb01ona #", "fiona #"),
    Name("FIONA #", "FIONA #", "fiona #"),
    Name("👩‍🚀#", "👩‍🚀#", "👩‍🚀#"),
)
NAMES: Final = st.sampled_from(_NAMES)
NO_NAMES: Final = st.sampled_from(
    ["", " ", "x", " x ", "x" * 65, "a\nb", "a\u0000b", "\u202eabc", "\u3164\u3164", 7, None]
)
NO_NUMBERS: Final = st.sampled_from(["", "nobody", "+1415", "+19005550100", "415555", 7, None])
NO_IDS: Final = st.sampled_from(["x", "0" * 23, "0" * 25, "g" * 24, "me ", "%00", "0" * 23 + "é"])
SPELLINGS: Final = st.sampled_from(
    ["+1{0}{1}", "{0}{1}", "+1 ({0}) {1}", "1-{0}-{1}", "+1.{0}.{1}"]
)


def spellings_of(name: Name, example: int) -> list[Name]:
    """The same name of an example, in each of its spellings."""
    alike = [one for one in (one.of(example) for one in _NAMES) if one.which == name.which]
    return alike or [name]


def spelled(phone: PhoneNumber, spelling: str) -> str:
    """The number of a phone in one of its spellings."""
    return spelling.format(phone.e164[2:5], phone.e164[5:])
