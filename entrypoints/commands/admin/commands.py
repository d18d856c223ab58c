"""The command of service tokens."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.admin import acts
from application.administration.acts import CORE_ACTS, scopes_of
from domain.administration.role_scopes import STAFF_ROLES
from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands, find_feature_commands
from entrypoints.commands.options import ID, REASON_OPTION, add_act_options, add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_create(create: ArgumentParser) -> None:
    supporting = [act.name for act in CORE_ACTS if act.scope is Scope.SUPPORT_USERS]
    explained = {Scope.READ_PHONES, Scope.SUPPORT_USERS}
    of_core = [scope for scope in scopes_of(CORE_ACTS) if scope not in explained]
    of_features = [scope for feature in find_feature_commands() for scope in feature.scopes]
    # Two acts may need the same one.
    others = dict.fromkeys([*of_core, Scope.READ_AUDIT, *of_features])
    create.add_argument("--name", metavar="NAME", required=True, help="the name of the backend")
    create.add_argument(
        "--scope",
        metavar="SCOPE[,SCOPE]",
        required=True,
        action="append",
        help=f"a role ({', '.join(STAFF_ROLES)}), or single scopes: {Scope.READ_USERS} (masked "
        f"numbers), {Scope.READ_PHONES} (full numbers), {Scope.SUPPORT_USERS} "
        f"({', '.join(supporting)}), {', '.join(others)}",
    )
    create.add_argument(
        "--expires",
        metavar="DURATION",
        default="90d",
        help="for how long it is valid, up to 365d (default: 90d)",
    )
    add_act_options(create)


def _create(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.admin.tokens import create_token

    return create_token(settings, arguments)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.admin.tokens import list_tokens

    return list_tokens(settings, arguments)


def _add_revoke(revoke: ArgumentParser) -> None:
    revoke.add_argument("id", metavar="ID", help="the id of the token, as `list` shows it")
    add_act_options(revoke)


def _revoke(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.admin.tokens import revoke

    return revoke(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="admin-token",
        help="Create, list or revoke the service tokens of backends.",
        examples=(
            f"admin-token create --name helpdesk --scope users:read,users:support {REASON_OPTION}",
            "admin-token list",
            f"admin-token revoke {ID} {REASON_OPTION}",
        ),
        actions=(
            Command(
                name=acts.CREATE.name,
                help="Create a token, and print it once. It is valid below /admin/ only.",
                examples=(
                    f"create --name helpdesk --scope users:read,users:support {REASON_OPTION}",
                    f"create --name audit --scope audit:read --expires 365d {REASON_OPTION}",
                ),
                add_arguments=_add_create,
                run=_create,
            ),
            Command(
                name="list",
                help="List the tokens, also those that expired within the last 30 days.",
                examples=("list", "list --json"),
                add_arguments=add_json_option,
                run=_list,
            ),
            Command(
                name=acts.REVOKE.name,
                help="Revoke a token. It is invalid at once.",
                examples=(f"revoke {ID} {REASON_OPTION}",),
                add_arguments=_add_revoke,
                run=_revoke,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
