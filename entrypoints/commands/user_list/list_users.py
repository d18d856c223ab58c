"""`dialtone user list`."""

from argparse import Namespace
from collections.abc import Iterable
from typing import Final

from msgspec import json, structs

from application.use_cases import UseCases
from application.user_list.acts import LIST
from application.user_list.feature import UserListFeature
from domain.errors import InvalidValue
from domain.identities.role import Role
from domain.user_list.user_filter import UserFilter, parse_created_since
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.printing import print_line
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.csv_line import to_csv_line
from entrypoints.features.user_list import USER_LIST
from entrypoints.http.user_list.schemas import ListedUserResponse, to_listed_user
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings

_PAGE_SIZE: Final = 500


def list_users(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Print users, a page at a time: a million of them need no more memory than a few."""
    user_filter = _parse_filter(arguments)
    caller = parse_operator(arguments)
    reason = parse_reason_option(arguments.reason, is_required=caller.needs_reason(LIST))
    render = _to_csv if arguments.format == "csv" else _to_json

    async def print_users(use_cases: UseCases) -> None:
        list_page = use_cases.of(UserListFeature).list_users
        entry, cursor = list_page.begin(caller, reason), None
        if render is _to_csv:
            print_line(to_csv_line(ListedUserResponse.__struct_fields__))
        while True:
            page = await list_page(caller, user_filter, cursor, _PAGE_SIZE, entry)
            if page.users:
                print_line("\n".join(render(to_listed_user(user)) for user in page.users))
            cursor = page.next_cursor
            if cursor is None:
                return

    with explain_errors():
        call_with_use_cases(settings, print_users, [USER_LIST])
    return ()


def _parse_filter(arguments: Namespace) -> UserFilter:
    try:
        since = arguments.created_since and parse_created_since(arguments.created_since)
    except InvalidValue as error:
        raise InvalidArgument(f"--created-since: {error.message}") from None
    return UserFilter(
        created_since=since or None,
        is_blocked=arguments.blocked and arguments.blocked == "true",
        role=arguments.role and Role(arguments.role),
    )


def _to_json(user: ListedUserResponse) -> str:
    return json.encode(user).decode()


def _to_csv(user: ListedUserResponse) -> str:
    values = structs.astuple(user)
    return to_csv_line(
        ["true" if value is True else "false" if value is False else value for value in values]
    )
