"""Texts for settings: valid examples, and texts with typing errors or unusual characters."""

from typing import Final

from hypothesis import strategies as st

from adapters.key_file import generate_document
from entrypoints.settings import FIELDS, read_settings

SECRET: Final = "tops3cret"
"""A password in the texts; no message may contain it."""
S3: Final = {
    "DIALTONE_MEDIA": "s3://images",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/{SECRET}",
}
TWILIO: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_FROM": "Acme",
}
VARIABLES: Final = list(FIELDS)
# The example of these keys is a command, because keys that are printed here would be used.
_KEYS: Final = {'"$(dialtone keys generate -)"': generate_document(indent=None).strip()}
EXAMPLES: Final = [
    (variable, _KEYS.get(text, text))
    for variable, (_, declaration) in FIELDS.items()
    for text in (declaration.example_text(read_settings({}, None)), declaration.default)
    if text
]
"""Variables with their examples and defaults."""
_UNUSUAL_PARTS: Final = [
    *" \t\n\r\0\x1b:/?#@%[](),;&=+-_.*'\"\\\u00a0\u0130\u0131\u0660\u00b2\u2028\u202e",
    *("\ud800", "\udcff", "\N{GRINNING FACE}", "\ufeff"),
    *("%00", "%ff", "%2F", "://", "::", "..", "//[", "]/", "[::1]", "%25eth0", "${HOME}"),
    *("s3://", "mongodb://", "sqlite:///", "file://", "http://", f"me:{SECRET}@", SECRET),
    *("9" * 5000, "a" * 300),
]


@st.composite
def nearly_valid_texts(draw: st.DrawFn) -> str:
    """Generate an example without some characters and with some unusual ones."""
    text = draw(st.sampled_from(EXAMPLES))[1]
    for _ in range(draw(st.integers(0, 3))):
        position = draw(st.integers(0, len(text)))
        removed = draw(st.integers(0, 2))
        text = text[:position] + draw(st.sampled_from(_UNUSUAL_PARTS)) + text[position + removed :]
    return text


TEXTS: Final = nearly_valid_texts() | st.text(st.characters(exclude_categories=()), max_size=20)


@st.composite
def environs(draw: st.DrawFn) -> dict[str, str]:
    """Generate an environment with or without S3 and Twilio, and up to two unusual values."""
    environ = draw(st.sampled_from([{}, S3, TWILIO, S3 | TWILIO]))
    valid = dict(draw(st.lists(st.sampled_from(EXAMPLES), max_size=4)))
    unusual = draw(st.dictionaries(st.sampled_from(VARIABLES), TEXTS, max_size=2))
    return environ | valid | unusual
