"""Actions of `dialtone user`: count, unblock and delete."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from application.administration.acts import DELETE, UNBLOCK
from application.administration.find_user import FoundUser
from application.administration.unblock_by_actor import BlockState, FoundBlock
from application.administration.user_acts import UNBLOCK_USER
from application.use_cases import UseCases
from domain.administration.retained_data import RetainedData
from entrypoints.commands.administration.user_acts import act_for_user
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    ID,
    PHONE,
    REASON,
    USER,
    ActOptions,
    act_options,
    json_option,
    user_argument,
)
from entrypoints.commands.shared.parsing import parse_actor, parse_since
from entrypoints.commands.shared.use_case_calls import call_with_use_cases
from entrypoints.commands.shared.user_calls import UserCall, call_for_user
from entrypoints.composition.details import DETAILS
from entrypoints.composition.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    print_errors,
)


@click.command(cls=Command, examples=["", "--json"])
@json_option
def count(settings: Settings, *, as_json: bool) -> Iterator[str]:
    """Print the number of users: accounts with a username that are not deleted.

    Blocked ones count too.
    """
    counted = call_with_use_cases(settings, lambda use_cases: use_cases.identities.count_users())
    if as_json:
        yield json.dumps({"users": counted.number, "is_estimate": counted.is_estimate})
    elif counted.is_estimate:
        yield f"about {counted.number:,} accounts, also those that are deleted or have no name"
    else:
        yield str(counted.number)


@click.command(
    cls=Command,
    examples=[
        f"{PHONE} {REASON}",
        f"--by service_token:{ID} --since 2026-05-01T09:30:00Z --dry-run {REASON}",
    ],
)
@click.argument("user", required=False, help=f"{USER[0].upper()}{USER[1:]}.")
@click.option(
    "--by",
    metavar="KIND:ID",
    help="Instead of USER: all accounts that only this actor has blocked, such as "
    "service_token:ID or administrator:ID.",
)
@click.option(
    "--since", metavar="TIME", help="Since when, such as 2026-05-01T09:30:00Z; with --by."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be unblocked; with --by.")
@act_options
def unblock(
    settings: Settings,
    user: str | None,
    options: ActOptions,
    by: str | None,
    since: str | None,
    *,
    dry_run: bool,
) -> Iterable[str]:
    """Allow a blocked phone to sign in, or all that somebody has blocked."""
    if by is not None:
        if user is not None:
            raise InvalidArgument("Name a USER or --by KIND:ID, not both.")
        if since is None:
            raise InvalidArgument("--by needs --since TIME: since when the blocks are wrong.")
        return _unblock_by_actor(settings, options, by, since, is_dry_run=dry_run)
    if user is None:
        raise InvalidArgument("Name the USER, or whose blocks end: --by KIND:ID --since TIME.")
    if since is not None or dry_run:
        raise InvalidArgument("--since and --dry-run go with --by KIND:ID.")
    return act_for_user(UNBLOCK_USER, settings, user, options, {})


def _unblock_by_actor(
    settings: Settings, options: ActOptions, by: str, since: str, *, is_dry_run: bool
) -> Iterator[str]:

    actor, since_time = parse_actor(by), parse_since(since)
    operator, reason = options.parse(UNBLOCK)

    async def unblock(use_cases: UseCases) -> Sequence[FoundBlock]:
        unblock_by_actor = use_cases.administration.unblock_by_actor
        return await unblock_by_actor(operator, actor, since_time, reason, is_dry_run=is_dry_run)

    blocks = call_with_use_cases(settings, unblock)
    states = {
        BlockState.UNBLOCKED: "unblocked",
        BlockState.BY_OTHERS: "still blocked: somebody else has blocked it too",
        BlockState.WITHOUT_ACCOUNT: "still blocked: a number without an account, which only its "
        "owner knows; dialtone user unblock NUMBER",
    }
    for block in blocks:
        entry = block.entry
        time = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"{time}  entry {entry.id}  {entry.subject}  {states[block.state]}"
    unblocked = [block for block in blocks if block.state is BlockState.UNBLOCKED]
    end = "would be unblocked. Nothing was changed." if is_dry_run else "are unblocked."
    yield f"{len(unblocked)} of {len(blocks)} {end}"


@click.command(cls=Command, examples=[f"{PHONE} {REASON}", f"{PHONE} --yes {REASON}"])
@user_argument
@act_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(settings: Settings, user: str, options: ActOptions, *, yes: bool) -> Iterator[str]:
    """Delete an account, as its owner would. This is final."""
    if not yes:
        # The id excludes a user who takes the name or the phone meanwhile.
        user = _confirm_deletion(settings, user, options)

    async def delete_user(call: UserCall) -> tuple[FoundUser, Sequence[RetainedData]]:
        return call.user, await call.act.delete(call.operator, call.query, call.reason)

    def delete_with(
        features: Sequence[Feature[Any]],
    ) -> tuple[FoundUser, Sequence[RetainedData]]:
        return call_for_user(settings, user, options, delete_user, [DETAILS, *features], act=DELETE)

    features = [feature for feature in FEATURES if feature.left_by_deletion]
    try:
        found, retained = delete_with(features)
    except StartupError as error:
        found, retained = delete_with([])
        print_errors(str(error), *(feature.left_by_deletion for feature in features))
    yield f"{found.subject} is deleted. What remains:"
    for data in retained:
        time = f"{data.until:%Y-%m-%d %H:%M} UTC" if data.until else ""
        if data.is_cleaned_up:
            yield f"- {data.data}: deleted by the next cleanup, at {time} at the latest"
        else:
            yield f"- {f'until {time}: ' if time else ''}{data.data} ({data.reason})"


def _confirm_deletion(settings: Settings, user_text: str, options: ActOptions) -> str:
    """Ask on a terminal, and return the id of the account.

    The database is closed meanwhile: a question may wait for long, and Ctrl-C ends it.

    Raises:
        InvalidArgument: there is no terminal.
        CommandError: the answer is not yes, or no user was found.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidArgument("There is no terminal: add --yes to delete the account.")

    async def find(call: UserCall) -> FoundUser:
        call.user.require_identity()
        return call.user

    user = call_for_user(settings, user_text, options, find, act=DELETE)
    identity = user.require_identity()
    data = ["sessions", "phone number", *(each for feature in FEATURES for each in feature.data)]
    print_errors(
        f"The account {identity.id} will be deleted: its {', '.join(data[:-1])} and {data[-1]}. "
        "This is final. In case of doubt block it instead, which has a way back: "
        "dialtone user block.",
        f"phone: {user.phone.masked if user.phone else 'none'}",
        f"username: {identity.username.text if identity.username else 'none'}",
        "Delete it? Type yes:",
    )
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandError("Nothing was deleted.")
    return identity.id
