"""Variables with our prefix that are not settings."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from entrypoints.settings.declaration import PREFIX
from entrypoints.settings.settings import FIELDS


def find_unknown(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each name with our prefix that is not a setting, and the setting that was meant."""
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name not in FIELDS:
            yield name, _find_similar(name.upper().removeprefix(PREFIX))


def unknown_line(name: str, similar: str | None) -> str:
    """Return the line about a name that is not a setting."""
    advice = "Remove it." if similar is None else f"Did you mean {similar}?"
    return f"{name}: This is not a setting. {advice}"


def _find_similar(short_name: str) -> str | None:
    if short_name in FIELDS:
        return short_name  # a vendor's variable, which has no prefix
    # The prefix is removed, because it would make any two names similar.
    short_names = [known.removeprefix(PREFIX) for known in FIELDS if known.startswith(PREFIX)]
    for similar in get_close_matches(short_name, short_names):
        # A word that is another one, and not a spelling of it, is another setting.
        words = similar.split("_")
        if all(get_close_matches(word, words, cutoff=0.8) for word in short_name.split("_")):
            return f"{PREFIX}{similar}"
    return None
