"""Texts for settings: valid examples, and texts with typing errors or odd characters."""

from typing import Final

from hypothesis import strategies as st

from entrypoints.settings.read import FIELDS

SECRET: Final = "tops3cret"
"""Stands where people write passwords; no message may contain it."""
S3: Final = {
    "DIALTONE_MEDIA": "s3://images",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/{SECRET}",
}
TWILIO: Final = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_FROM": "Acme",
}
VARIABLES: Final = list(FIELDS)
EXAMPLES: Final = [
    (variable, text)
    for variable, (_, field) in FIELDS.items()
    for text in (*(field.examples or ()), field.default)
    if isinstance(text, str) and text
]
"""Variables with their examples and defaults."""
_ODD_PARTS: Final = [
    *" \t\n\r\0\x1b:/?#@%[](),;&=+-_.*'\"\\\u00a0\u0130\u0131\u0660\u00b2\u2028\u202e",
    *("\ud800", "\udcff", "\N{GRINNING FACE}", "\ufeff"),
    *("%00", "%ff", "%2F", "://", "::", "..", "//[", "]/", "[::1]", "%25eth0", "${HOME}"),
    *("s3://", "mongodb://", "sqlite:///", "file://", "http://", f"me:{SECRET}@", SECRET),
    *("9" * 5000, "a" * 300),
]


@st.composite
def nearly_valid_texts(draw: st.DrawFn) -> str:
    """Draw an example with some characters lost and some odd ones added."""
    text = draw(st.sampled_from(EXAMPLES))[1]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        lost = draw(st.integers(0, 2))
        text = text[:place] + draw(st.sampled_from(_ODD_PARTS)) + text[place + lost :]
    return text


TEXTS: Final = nearly_valid_texts() | st.text(st.characters(exclude_categories=()), max_size=20)


@st.composite
def environs(draw: st.DrawFn) -> dict[str, str]:
    """Draw an environment with or without S3 and Twilio, and up to two odd values."""
    environ = draw(st.sampled_from([{}, S3, TWILIO, S3 | TWILIO]))
    valid = dict(draw(st.lists(st.sampled_from(EXAMPLES), max_size=4)))
    odd = draw(st.dictionaries(st.sampled_from(VARIABLES), TEXTS, max_size=2))
    return environ | valid | odd
