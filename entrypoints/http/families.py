"""The families of paths: the same refusals, told as each family's clients know them."""

from enum import StrEnum


class Family(StrEnum):
    """Who speaks to a path."""

    MAIN = "main"
    OLDER_APP = "older_app"


def family_of(path: str) -> Family:
    """Tell the family by whole path segments: `/authenticated` is not `/authenticate`."""
    segments = [segment for segment in path.split("/") if segment]
    return Family.OLDER_APP if segments[:1] == ["authenticate"] else Family.MAIN
