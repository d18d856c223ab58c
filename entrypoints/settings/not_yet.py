"""Settings whose part is not there yet: to ignore them would be to promise what is not kept."""

from typing import Final

NOT_YET: Final = {
    "DIALTONE_OPERATOR": ("phone line", "nobody can call"),
    "DIALTONE_MEDIA_URL_VARIANT": ("variants of pictures", "url is the full picture"),
}


def refusal_of(name: str) -> str:
    """Say that it has to be left out, and what there is instead."""
    part, instead = NOT_YET[name]
    return f"This version has no {part} yet; leave it out: {instead}."
