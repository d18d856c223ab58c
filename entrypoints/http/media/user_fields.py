"""What the details of a user say about the library."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.media.details import LibraryDetails
from domain.media.usage import MediaUsage, Quota
from entrypoints.http.fields import described
from entrypoints.http.user_details import UserFields


class LibraryResponse(msgspec.Struct, kw_only=True):
    """The size of the library."""

    items: Annotated[int, described("Items, with uploads under way.", 1200)]
    bytes: Annotated[int, described("Bytes, with uploads under way.", 4999990000)]
    quota_items: Annotated[int, described("How many items it may have.", 10000)]
    quota_bytes: Annotated[int, described("How many bytes it may have.", 5000000000)]


class LibraryFields(UserFields, kw_only=True):
    """The library of a user."""

    library: Annotated[
        LibraryResponse | None,
        described("Its size; null without an account, and after the deletion."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        """Convert what is shown of the library."""
        shown = details.parts.find(LibraryDetails)
        return cls(library=_to_library(shown.usage, shown.quota) if shown else None)


def _to_library(usage: MediaUsage, quota: Quota) -> LibraryResponse:
    return LibraryResponse(
        items=usage.used_items,
        bytes=usage.used_bytes,
        quota_items=quota.max_items,
        quota_bytes=quota.max_bytes,
    )
