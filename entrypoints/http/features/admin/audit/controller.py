"""The audit: who did what to whom, when and why."""

from litestar import Controller, get

from application.administration.feature import AdministrationUseCases
from application.ports.administration import AuditFilter
from domain import errors
from domain.administration.audit import Actor, ActorKind
from domain.cursor import parse_cursor
from domain.errors import ConflictingValue, UnsupportedValue
from domain.identifier import parse_identifier
from entrypoints.http.features.admin.audit import schemas
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import CursorParameter
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest


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
            schemas.PAGE_SIZE.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.ReauthenticationRequired,
        ],
    )
    async def list_audit(
        self,
        *,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        user: schemas.SubjectParameter = None,
        actor: schemas.ActorParameter = None,
        cursor: CursorParameter = None,
        limit: schemas.AuditLimitParameter = None,
    ) -> schemas.AuditPageResponse:
        """List audit entries, the newest first: all, those about a user, or those of an actor.

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
                size = schemas.PAGE_SIZE.parse(limit)
        page = await administration.list_audit(request.operator, audit_filter, after, size)
        return schemas.to_page_response(page)


def _parse_filter(user: str | None, actor: str | None) -> AuditFilter:
    if actor is None:
        return AuditFilter(subject=None if user is None else parse_identifier(user) or user)
    if user is not None:
        raise ConflictingValue("Send either user or actor.")
    kind, _, actor_id = actor.partition(":")
    if kind not in [*ActorKind] or not actor_id:
        kinds = ", ".join(ActorKind)
        raise UnsupportedValue(f"Send the kind of the actor, a colon and the id. Kinds: {kinds}.")
    return AuditFilter(actor=Actor(ActorKind(kind), actor_id))
