"""The audit: who did what to whom, when and why."""

from typing import Annotated, Final

import msgspec
from litestar import Controller, get

from application.administration.list_audit import AuditPage
from application.administration.use_cases import AdministrationUseCases
from application.ports.administration import AuditFilter
from domain import errors
from domain.administration.audit import Actor, ActorKind
from domain.cursor import encode_cursor, parse_cursor
from domain.errors import UnsupportedValue
from domain.identifier import parse_identifier
from entrypoints.http.administration.audit_entries import AuditEntryResponse, to_entry_response
from entrypoints.http.fields import USER_ID_EXAMPLE, described
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import (
    CountParameter,
    CursorParameter,
    NextCursorField,
    describe_page_size,
    query_parameter,
)
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest

PAGE_SIZE: Final = CountParameter(name="limit", default=20)

SubjectParameter = Annotated[
    str | None,
    query_parameter(
        "Only entries about this user: an id, or the `subject` of a search.",
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


class AuditController(Controller):
    """What operators did, and which full phone numbers they read."""

    path = "/admin/audit"
    tags = ["Administration"]
    dependencies = {"administration": provide(lambda use_cases: use_cases.administration)}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List the audit",
        response_description="The page. It may be empty.",
        errors=[
            PAGE_SIZE.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.PasskeyRequired,
        ],
    )
    async def list_audit(
        self,
        *,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        user: SubjectParameter = None,
        actor: ActorParameter = None,
        cursor: CursorParameter = None,
        limit: AuditLimitParameter = None,
    ) -> AuditPageResponse:
        """List audit entries, the newest first: all, those about a user, or those of an actor.

        With `user` and `actor`, a page may have fewer entries than `limit`, even none, and not be
        the last.

        An entry is written before an act, or before a full phone number is shown, and never
        changes. If the act fails, a second entry says so. Entries are kept for 400 days. A service
        token needs the scope `audit:read`.
        """
        with FieldErrors() as invalid:
            with invalid.of("actor"):
                audit_filter = _parse_filter(user, actor)
            with invalid.of("cursor"):
                after = None if cursor is None else parse_cursor(cursor)
            with invalid.of("limit"):
                size = PAGE_SIZE.parse(limit)
        page = await administration.list_audit(request.operator, audit_filter, after, size)
        return to_page_response(page)


def _parse_filter(user: str | None, actor: str | None) -> AuditFilter:
    subject = None if user is None else parse_identifier(user) or user
    if actor is None:
        return AuditFilter(subject=subject)
    kind, _, actor_id = actor.partition(":")
    if kind not in [*ActorKind] or not actor_id:
        kinds = ", ".join(ActorKind)
        raise UnsupportedValue(f"Send the kind of the actor, a colon and the id. Kinds: {kinds}.")
    return AuditFilter(subject=subject, actor=Actor(ActorKind(kind), actor_id))
