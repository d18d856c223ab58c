"""`dialtone user list`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click

from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import REASON, ActOptions, act_options, at_most_one

if TYPE_CHECKING:
    from application.use_cases import UseCases
    from entrypoints.http.features.admin.list_schemas import ListedUserResponse
    from entrypoints.settings.settings import Settings

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
    settings: "Settings",
    form: str,
    created_since: str | None,
    blocked: str | None,
    role: str | None,
    options: ActOptions,
) -> Iterable[str]:
    """Print all users, those first that were created first, with masked numbers."""
    from application.features.admin.acts import LIST
    from application.features.admin.feature import AdminFeature
    from domain.features.admin.user_filter import UserFilter, parse_created_since
    from domain.identities.role import Role
    from entrypoints.commands.shared.parsing import name_option
    from entrypoints.commands.shared.printing import print_line
    from entrypoints.commands.shared.use_case_calls import call_with_use_cases
    from entrypoints.features.admin import ADMIN
    from entrypoints.http.features.admin.list_schemas import ListedUserResponse, to_listed_user
    from entrypoints.words.csv_line import to_csv_line

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

    async def print_users(use_cases: "UseCases") -> None:
        """Print a page at a time: a million users need no more memory than a few."""
        list_page = use_cases.of(AdminFeature).list_users
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

    call_with_use_cases(settings, print_users, [ADMIN])
    return ()


def _to_json(user: "ListedUserResponse") -> str:
    from msgspec import json

    return json.encode(user).decode()


def _to_csv(user: "ListedUserResponse") -> str:
    from msgspec import structs

    from entrypoints.words.csv_line import to_csv_line

    values = structs.astuple(user)
    return to_csv_line(
        ["true" if value is True else "false" if value is False else value for value in values]
    )
