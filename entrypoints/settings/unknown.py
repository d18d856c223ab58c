"""Variables that were probably meant for a setting and are none."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from entrypoints.settings.checks import unused_variables
from entrypoints.settings.declaration import PREFIX, VENDORS
from entrypoints.settings.settings import FIELDS

_SIMILARITY: Final = 0.85
_VENDOR_SIMILARITY: Final = 0.7
"""As of TWILIO_SID and TWILIO_ACCOUNT_SID."""
_NAMES_OF_VENDORS: Final = frozenset({"TWILIO_API_KEY", "TWILIO_API_SECRET"})
"""Variables of other programs that are similar to ours."""


def find_unknown(values: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each name that was probably meant for a setting, and the setting.

    Only Dialtone has names with our prefix. Other names are those of other programs, unless the
    most similar setting is one that is used and not set.
    """
    used = FIELDS.keys() - unused_variables(values)
    for name in sorted(values.keys() - FIELDS.keys() - _NAMES_OF_VENDORS):
        if name.upper().startswith(PREFIX):
            yield name, _find_similar(name)
            continue
        vendor = next(filter(name.upper().startswith, VENDORS), "")
        names = [known for known in used if known.startswith(vendor)]
        cutoff = _VENDOR_SIMILARITY if vendor else _SIMILARITY
        for similar in get_close_matches(name.upper(), names, n=1, cutoff=cutoff):
            if similar not in values:
                yield name, similar


def unknown_line(name: str, similar: str | None) -> str:
    """Return the line about a name that is not a setting."""
    advice = "Remove it." if similar is None else f"Did you mean {similar}?"
    return f"{name}: This is not a setting. {advice}"


def _find_similar(name: str) -> str | None:
    # The prefix is removed, because it would make any two names similar.
    short_name = name.upper().removeprefix(PREFIX)
    if short_name in FIELDS:
        return short_name  # a vendor's variable, which has no prefix
    ours = (known for known in FIELDS if known.startswith(PREFIX))
    short_names = {known.removeprefix(PREFIX): known for known in ours}
    return next(map(short_names.get, get_close_matches(short_name, short_names, n=1)), None)
