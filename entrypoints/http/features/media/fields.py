"""What the details of a user say about the library."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.media.feature import LibraryDetails
from entrypoints.http.administration.user_details import UserFields
from entrypoints.http.fields import described


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
        shown = details.added.find(LibraryDetails)
        if shown is None:
            return cls(library=None)
        return cls(
            library=LibraryResponse(
                items=shown.usage.used_items,
                bytes=shown.usage.used_bytes,
                quota_items=shown.quota.max_items,
                quota_bytes=shown.quota.max_bytes,
            )
        )
