"""`dialtone admin-token`, the service tokens of backends, and `dialtone user list`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import click
from msgspec import json, structs

from application.administration.user_acts import USER_ACTS
from application.features.admin import CREATE, LIST, REVOKE, AdminFeature
from domain.administration.scopes import STAFF_ROLES, Scope
from domain.features.admin import (
    ServiceToken,
    TokenNotFound,
    UserFilter,
    parse_created_since,
    parse_scopes,
    parse_token_name,
)
from domain.identifier import parse_identifier
from domain.identities.role import Role
from entrypoints.commands.shared.command import Command, CommandGroup
from entrypoints.commands.shared.options import (
    ID,
    REASON,
    ActOptions,
    act_options,
    at_most_one,
    json_option,
)
from entrypoints.commands.shared.parsing import name_option
from entrypoints.commands.shared.printing import print_line
from entrypoints.commands.shared.use_case_calls import call_feature
from entrypoints.commands.table import OF_FEATURES
from entrypoints.features.admin import ADMIN
from entrypoints.http.administration.audit_entries import to_actor_response
from entrypoints.http.features.admin.user_list import ListedUserResponse, to_listed_user
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import InvalidArgument, print_errors
from entrypoints.texts.acts import describe_actor
from entrypoints.texts.csv_line import to_csv_line

_PAGE_SIZE: Final = 500


@click.command(
    "list",
    cls=Command,
    examples=[
        REASON,
        f"--created-since 2026-05-01 --format csv {REASON}",
        f"--blocked true {REASON}",
    ],
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    help="jsonl: a JSON object in each line; csv: with a header, and with ' before what a "
    "spreadsheet would run (default: jsonl).",
)
@click.option(
    "--created-since",
    metavar="TIME",
    help="Only users that were created then or later, such as 2026-05-01T09:30:00Z.",
)
@click.option(
    "--blocked",
    type=click.Choice(["true", "false"]),
    help="Only users that are blocked, or the others.",
)
@click.option(
    "--role",
    type=click.Choice(["member", "support", "moderator", "auditor", "administrator"]),
    help="Only users with this role.",
)
@act_options
def list_users(
    settings: Settings,
    form: str,
    created_since: str | None,
    blocked: str | None,
    role: str | None,
    options: ActOptions,
) -> Iterable[str]:
    """Print all users, the oldest account first, with masked numbers."""
    at_most_one(created_since=created_since, blocked=blocked, role=role)
    with name_option("--created-since"):
        since = parse_created_since(created_since) if created_since else None
    user_filter = UserFilter(
        created_since=since,
        is_blocked=blocked == "true" if blocked else None,
        role=Role(role) if role else None,
    )
    operator, reason = options.parse(LIST)
    render = _to_csv if form == "csv" else _to_json

    async def print_users(admin: AdminFeature) -> None:
        """Print a page at a time: a million users need no more memory than a few."""
        list_page = admin.list_users
        entry, cursor = list_page.begin(operator, reason), None
        if form == "csv":
            print_line(to_csv_line(ListedUserResponse.__struct_fields__))
        while True:
            page = await list_page(operator, user_filter, cursor, _PAGE_SIZE, entry)
            if page.users:
                print_line("\n".join(render(to_listed_user(user)) for user in page.users))
            cursor = page.next_cursor
            if cursor is None:
                return

    call_feature(settings, ADMIN, print_users)
    return ()


def _to_json(user: ListedUserResponse) -> str:

    return json.encode(user).decode()


def _to_csv(user: ListedUserResponse) -> str:

    values = structs.astuple(user)
    return to_csv_line(
        ["true" if value is True else "false" if value is False else value for value in values]
    )


admin_token: Final = CommandGroup(
    "admin-token",
    help="Create, list or revoke the service tokens of backends.",
    examples=[
        f"create --name helpdesk --scope users:read,users:support {REASON}",
        "list",
        f"revoke {ID} {REASON}",
    ],
)


def _describe_scopes() -> str:
    supporting = [row.name for row in USER_ACTS if row.act.scope is Scope.SUPPORT_USERS]
    of_core = [
        row.act.scope
        for row in USER_ACTS
        if row.act.scope is not None and row.act.scope is not Scope.SUPPORT_USERS
    ]
    of_features = [scope for additions in OF_FEATURES.values() for scope in additions.scopes]
    # Two acts may need the same one.
    others = dict.fromkeys([*of_core, Scope.READ_AUDIT, *of_features])
    return (
        f"A role ({', '.join(STAFF_ROLES)}), or single scopes: {Scope.READ_USERS} (masked "
        f"numbers), {Scope.READ_PHONES} (full numbers), {Scope.SUPPORT_USERS} "
        f"({', '.join(supporting)}), {', '.join(others)}."
    )


@admin_token.command(
    examples=[
        f"--name helpdesk --scope users:read,users:support {REASON}",
        f"--name audit --scope audit:read --expires 365d {REASON}",
    ]
)
@click.option("--name", metavar="NAME", required=True, help="The name of the backend.")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE[,SCOPE]",
    required=True,
    multiple=True,
    help=_describe_scopes(),
)
@click.option(
    "--expires",
    metavar="DURATION",
    default="90d",
    help="For how long it is valid, up to 365d (default: 90d).",
)
@act_options
def create(
    settings: Settings, name: str, scopes: Sequence[str], expires: str, options: ActOptions
) -> Iterable[str]:
    """Create a token, and print it once. It is valid below /admin/ only."""
    with name_option("--name"):
        token_name = parse_token_name(name)
    with name_option("--scope"):
        granted = parse_scopes(scopes)
    with name_option("--expires"):
        ttl = duration("1m", "365d")(expires)
    operator, reason = options.parse(CREATE)
    token, text = call_feature(
        settings,
        ADMIN,
        lambda admin: admin.tokens.create(operator, token_name, granted, ttl, reason),
    )
    print_errors(
        f"Token {token.id} ({token.name}): {', '.join(token.granted)}; it expires at "
        f"{_format_time(token.expires_at)}.",
        "It is shown only now. A backend sends it as `Authorization: Bearer TOKEN`, to the paths "
        "below /admin/ only.",
    )
    return [text]  # alone on stdout, so that a shell can take it


@admin_token.command("list", examples=["", "--json"])
@json_option
def list_tokens(settings: Settings, *, as_json: bool) -> Iterable[str]:
    """List the tokens and who made them, also those that expired within the last 30 days."""
    tokens = call_feature(settings, ADMIN, lambda admin: admin.tokens.list())
    if as_json:
        names = ("id", "name", "created_at", "expires_at", "revoked_at")
        shown = (
            {name: getattr(token, name) for name in names}
            | {"scopes": token.granted, "created_by": to_actor_response(token.created_by)}
            for token in tokens
        )
        return [json.encode(each).decode() for each in shown]
    now = datetime.now(UTC)
    return [_render(token, now) for token in tokens] or ["There are no tokens."]


@admin_token.command(examples=[f"{ID} {REASON}"])
@click.argument("token_id", metavar="ID", help="The id of the token, as `list` shows it.")
@act_options
def revoke(settings: Settings, token_id: str, options: ActOptions) -> Iterable[str]:
    """Revoke a token. It is invalid at once."""
    parsed_id = parse_identifier(token_id)
    if parsed_id is None:
        raise InvalidArgument("This is not the id of a token: dialtone admin-token list.")
    operator, reason = options.parse(REVOKE)
    token = call_feature(
        settings,
        ADMIN,
        lambda admin: admin.tokens.revoke(operator, parsed_id, reason),
        {TokenNotFound: "There is no token with this id: dialtone admin-token list."},
    )
    return [f"Token {token.id} ({token.name}) is revoked."]


def _render(token: ServiceToken, now: datetime) -> str:

    expires = "expires" if now < token.expires_at else "expired"
    revoked = f"  revoked {_format_time(token.revoked_at)}" if token.revoked_at else ""
    return (
        f"{token.id}  {token.name}  {','.join(token.granted)}"
        f"  created {_format_time(token.created_at)} by {describe_actor(token.created_by)}"
        f"  {expires} {_format_time(token.expires_at)}"
        f"{revoked}"
    )


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
