"""The pages of the audit."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.response import Template

from application.administration.find_user import FindUser
from application.administration.list_audit import AuditPage
from application.ports.administration import AuditFilter
from application.use_cases import UseCases
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.administration.scope import Scope
from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidIdentifier, UnsupportedValue
from domain.identifier import parse_identifier
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.features.console.user_acts import USERS
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.texts.acts import describe_actor_kind
from entrypoints.texts.user_text import find_one_user

_AUDIT: Final = "/console/audit"
_PAGE_SIZE: Final = 50
_FIELDS: Final = ("user", "actor")
_SUBJECT: Final = re.compile(r"(?=.*[a-f]|.{24})[0-9a-f]{16,64}")
"""The id of an account or a token, or the keyed hash of a phone. No phone number is like one."""
_MANY: Final = re.compile("[a-z]{4,20}")
"""What the audit calls all those that an act was done to, such as `users`."""
_OF_TOKENS: Final = (AuditAction.CREATE_TOKEN, AuditAction.REVOKE_TOKEN)
"""What is done to a token, so that the subject is no user."""
_MAX_NAME_LENGTH: Final = 100


class AuditPageController(ConsoleController):
    """Who did what to whom, when and why. The newest entries are first."""

    path = _AUDIT
    opt = {NEEDED_SCOPE: Scope.READ_AUDIT}

    @get("/")
    async def list_entries(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Template:
        """Return a page. With both fields it may be a short one: no index answers them together."""
        query = request.query_params
        typed = {name: query.get(name, "") for name in _FIELDS}
        actor: Actor | None = None
        with FieldErrors() as invalid:
            with invalid.of("actor"):
                if typed["actor"]:
                    actor = _parse_actor(typed["actor"])
            with invalid.of("user"):
                audit_filter = _parse_filter(typed["user"], actor)
            with invalid.of("cursor"):
                cursor = parse_cursor(query["cursor"]) if "cursor" in query else None
        page = await use_cases.administration.list_audit(
            request.operator, audit_filter, cursor, _PAGE_SIZE
        )
        if actor is not None:
            entries = [entry for entry in page.entries if actor.is_same(entry.actor)]
            page = AuditPage(entries, page.next_cursor)
        return _render(request, typed, page, audit_filter)

    @post("/", status_code=200)
    async def choose(self, request: ConsoleRequest, use_cases: Injected[UseCases]) -> Response[Any]:
        """Lead to the entries about somebody. A form: what is typed may be a phone number."""
        form = await read_form(request)
        user, actor = form["user"], form["actor"]
        region = request.settings.otp.default_region
        find_user = use_cases.administration.find_user
        query: dict[str, str] = {}
        try:
            with FieldErrors() as invalid:
                with invalid.of("actor"):
                    if actor:
                        query["actor"] = await _find_actor(find_user, actor, region)
                with invalid.of("user"):
                    if user:
                        query["user"] = await _find_subject(find_user, user, region)
        except InvalidFields as error:
            typed, no_page = {"user": user, "actor": actor}, AuditPage((), None)
            return _render(request, typed, no_page, AuditFilter(), error=error)
        return see_other(_AUDIT, **query)


def _parse_filter(user: str, actor: Actor | None) -> AuditFilter:
    """Return the filter that an index answers.

    Raises:
        InvalidIdentifier
    """
    if not user:
        return AuditFilter(actor=actor)
    if not (_SUBJECT.fullmatch(user) or _MANY.fullmatch(user)):
        raise InvalidIdentifier("This is no id of an account, and no hash of a phone.")
    return AuditFilter(subject=user)


def _parse_actor(text: str) -> Actor:
    """Parse `KIND:ID`.

    Raises:
        UnsupportedValue, InvalidIdentifier
    """
    name, _, actor_id = text.partition(":")
    try:
        kind = ActorKind(name.replace("-", "_"))
    except ValueError:
        kinds = ", ".join(ActorKind)
        raise UnsupportedValue(f"Write KIND:ID; the kinds are {kinds}.") from None
    if kind is not ActorKind.OPERATING_SYSTEM_USER:
        parsed = parse_identifier(actor_id)
        if parsed is None:
            raise InvalidIdentifier(f"The id of this kind has 24 hex digits: {kind}:ID.")
        return Actor(kind, parsed)
    if not (0 < len(actor_id) <= _MAX_NAME_LENGTH and actor_id.isprintable()):
        raise InvalidIdentifier(f"Write the name of the operating system's user: {kind}:NAME.")
    return Actor(kind, actor_id)


async def _find_actor(find_user: FindUser, text: str, region: str | None) -> str:
    """Return the actor of a text as a parameter: `KIND:ID`, or a user of the staff."""
    if text.partition(":")[0].replace("-", "_") in [*ActorKind]:
        actor = _parse_actor(text)
    else:
        actor_id = await _find_subject(find_user, text, region)
        if parse_identifier(actor_id) is None:
            raise InvalidIdentifier("This phone has no account, so nobody acts with it.")
        actor = Actor(ActorKind.ADMINISTRATOR, actor_id)
    return f"{actor.kind}:{actor.id}"


async def _find_subject(find_user: FindUser, text: str, region: str | None) -> str:
    """Return what the audit calls a user. A text may be that itself."""
    try:
        return (await find_one_user(find_user, text, region)).subject
    except InvalidIdentifier:
        if not _SUBJECT.fullmatch(text):
            raise
        return text


def _render(
    request: ConsoleRequest,
    typed: Mapping[str, str],
    page: AuditPage,
    audit_filter: AuditFilter,
    *,
    error: InvalidFields | None = None,
) -> Template:
    field_errors = (
        {} if error is None else {wrong.field: wrong.message for wrong in error.field_errors}
    )
    return render(
        request,
        "console/audit.html",
        status_code=200 if error is None else 400,
        typed=typed,
        field_errors=field_errors,
        entries=page.entries,
        describe_actor_kind=describe_actor_kind,
        is_filtered=audit_filter != AuditFilter(),
        user_path=_find_user_path(page, audit_filter),
        is_first="cursor" not in request.query_params,
        next_url=_address(typed, page.next_cursor) if page.next_cursor else "",
    )


def _find_user_path(page: AuditPage, audit_filter: AuditFilter) -> str:
    """Return the page of the user whose entries are shown; empty if it is none, or has none."""
    is_token = any(entry.action in _OF_TOKENS for entry in page.entries)
    subject = parse_identifier(audit_filter.subject or "")
    return f"{USERS}/{subject}" if subject and page.entries and not is_token else ""


def _address(typed: Mapping[str, str], cursor: Cursor) -> str:
    chosen = {name: text for name, text in typed.items() if text}
    return f"{_AUDIT}?{urlencode(chosen | {'cursor': encode_cursor(cursor)})}"
