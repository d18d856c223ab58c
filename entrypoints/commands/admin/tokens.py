"""`dialtone admin-token`: the service tokens of backends."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from application.admin import acts
from application.admin.feature import AdminFeature
from application.administration.acts import Act
from application.administration.caller import Caller
from domain.admin.errors import TokenNotFound
from domain.admin.service_token import (
    ServiceToken,
    parse_scopes,
    parse_token_name,
)
from domain.errors import DomainError, InvalidValue
from domain.identifier import parse_identifier
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.admin import ADMIN
from entrypoints.opening.startup_error import InvalidArgument, print_errors
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    TokenNotFound: "There is no token with this id: dialtone admin-token list."
}


def create_token(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Create a token. Only the token is on stdout, so that a shell can take it."""
    try:
        name, granted = parse_token_name(arguments.name), parse_scopes(arguments.scope)
    except InvalidValue as error:
        raise InvalidArgument(error.message) from None
    try:
        ttl = duration("1m", "365d")(arguments.expires)
    except InvalidValue as error:
        raise InvalidArgument(f"--expires: {error.message}") from None
    caller, reason = _parse_act(arguments, acts.CREATE)
    with explain_errors(_ERRORS):
        token, text = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(AdminFeature).tokens.create(
                caller, name, granted, ttl, reason
            ),
            [ADMIN],
        )
    print_errors(
        f"Token {token.id} ({token.name}): {', '.join(token.granted)}; it expires at "
        f"{_format_time(token.expires_at)}.",
        "It is shown only now. A backend sends it as `Authorization: Bearer TOKEN`, to the paths "
        "below /admin/ only.",
    )
    yield text


def list_tokens(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the tokens, also those that expired within the last 30 days."""
    with explain_errors(_ERRORS):
        tokens = call_with_use_cases(
            settings, lambda use_cases: use_cases.of(AdminFeature).tokens.list(), [ADMIN]
        )
    if arguments.json:
        return [_to_json(tokens)]
    now = datetime.now(UTC)
    return [_render(token, now) for token in tokens] or ["There are no tokens."]


def revoke(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Revoke a token."""
    token_id = parse_identifier(arguments.id)
    if token_id is None:
        raise InvalidArgument("This is not the id of a token: dialtone admin-token list.")
    caller, reason = _parse_act(arguments, acts.REVOKE)
    with explain_errors(_ERRORS):
        token = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(AdminFeature).tokens.revoke(caller, token_id, reason),
            [ADMIN],
        )
    return [f"Token {token.id} ({token.name}) is revoked."]


def _parse_act(arguments: Namespace, act: Act) -> tuple[Caller, str]:
    caller = parse_operator(arguments)
    return caller, parse_reason_option(arguments.reason, is_required=caller.needs_reason(act))


def _render(token: ServiceToken, now: datetime) -> str:
    expires = "expires" if now < token.expires_at else "expired"
    revoked = f"  revoked {_format_time(token.revoked_at)}" if token.revoked_at else ""
    return (
        f"{token.id}  {token.name}  {','.join(token.granted)}"
        f"  created {_format_time(token.created_at)}  {expires} {_format_time(token.expires_at)}"
        f"{revoked}"
    )


def _to_json(tokens: Sequence[ServiceToken]) -> str:
    from msgspec import json

    described = [
        {
            "id": token.id,
            "name": token.name,
            "scopes": token.granted,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        }
        for token in tokens
    ]
    return json.encode(described).decode()


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
