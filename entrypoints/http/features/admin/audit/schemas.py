"""Parameters and response bodies of the audit."""

from typing import Annotated, Final

import msgspec

from application.administration.list_audit import AuditPage
from domain.administration.audit import ActorKind
from domain.cursor import encode_cursor
from entrypoints.http.core.administration.audit_entries import AuditEntryResponse, to_entry_response
from entrypoints.http.fields import USER_ID_EXAMPLE, described
from entrypoints.http.requests.parameters import (
    CountParameter,
    NextCursorField,
    describe_page_size,
    query_parameter,
)

PAGE_SIZE: Final = CountParameter(name="limit", default=20)

SubjectParameter = Annotated[
    str | None,
    query_parameter(
        "Only entries about this user: an id, or the `subject` of a search. Do not send `actor`"
        " with it.",
        examples=[USER_ID_EXAMPLE],
    ),
]
ActorParameter = Annotated[
    str | None,
    query_parameter(
        "Only entries of this actor: its kind, a colon and its id.",
        pattern=rf"^(?:{'|'.join(ActorKind)}):[\s\S]",
        examples=[f"{ActorKind.ADMINISTRATOR}:{USER_ID_EXAMPLE}"],
    ),
]
AuditLimitParameter = Annotated[str | None, describe_page_size(PAGE_SIZE, "Entries")]


class AuditPageResponse(msgspec.Struct, kw_only=True):
    """A page of the audit, the newest entries first."""

    entries: Annotated[list[AuditEntryResponse], described("The entries of the page.")]
    next_cursor: NextCursorField


def to_page_response(page: AuditPage) -> AuditPageResponse:
    """Convert a page of the audit."""
    return AuditPageResponse(
        entries=[to_entry_response(entry) for entry in page.entries],
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else None,
    )
