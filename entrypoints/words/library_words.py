"""The library of a user in words, for `dialtone` and the web console."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from application.media.details import LibraryDetails
from entrypoints.words.user_rows import UserRow, UserRowPlace


def library_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return how much of the quota is used."""
    library = details.parts.find(LibraryDetails)
    if library is None:
        return ()
    usage, quota = library.usage, library.quota
    megabytes, allowed = usage.used_bytes / 10**6, quota.max_bytes / 10**6
    used = f"{usage.used_items} of {quota.max_items} items, {megabytes:.1f} of {allowed:.1f} MB"
    return [UserRow(place=UserRowPlace.END, label="library", value=used)]
