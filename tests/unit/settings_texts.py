"""Texts for settings: the table's examples, and what slips and strangers make of them."""

from typing import Final

from hypothesis import strategies as st

from entrypoints.settings.table import VARIABLES

MARK: Final = "tops3cret"
"""Stands where people put passwords; no line may repeat it."""
S3: Final = {
    "DIALTONE_MEDIA": "s3://pictures",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": f"{MARK}/{MARK}",
}
TWILIO: Final = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": MARK,
    "TWILIO_FROM": "Acme",
}
NAMES: Final = [variable.name for variable in VARIABLES]
GOOD: Final = [
    (variable.name, text)
    for variable in VARIABLES
    for text in (variable.example, variable.default, *variable.more_examples)
    if text
]
_PIECES: Final = [
    *" \t\n\r\0\x1b:/?#@%[](),;&=+-_.*'\"\\\u00a0\u0130\u0131\u0660\u00b2\u2028\u202e",
    *("\ud800", "\udcff", "\N{GRINNING FACE}", "\ufeff"),
    *("%00", "%ff", "%2F", "://", "::", "..", "//[", "]/", "[::1]", "%25eth0", "${HOME}"),
    *("s3://", "mongodb://", "sqlite:///", "file://", "http://", f"me:{MARK}@", MARK),
    *("9" * 5000, "a" * 300),
]


@st.composite
def slips(draw: st.DrawFn) -> str:
    """A value of some variable, with a few pieces of it lost, doubled or strange."""
    text = draw(st.sampled_from(GOOD))[1]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        lost = draw(st.integers(0, 2))
        text = text[:place] + draw(st.sampled_from(_PIECES)) + text[place + lost :]
    return text


TEXTS: Final = slips() | st.text(st.characters(exclude_categories=()), max_size=20)
"""Any text, mostly one that is nearly right."""


@st.composite
def environs(draw: st.DrawFn) -> dict[str, str]:
    """An environment: what S3 and Twilio need or not, and some variables set to anything."""
    environ = draw(st.sampled_from([{}, S3, TWILIO, S3 | TWILIO]))
    changes = dict(draw(st.lists(st.sampled_from(GOOD), max_size=4)))
    wild = draw(st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=2))
    return environ | changes | wild
