"""`dialtone user unblock --by`: unblock what one person or service token has blocked."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import Final

from application.administration import acts
from application.administration.unblock_by_actor import BlockState, FoundBlock
from application.use_cases import UseCases
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_actor, parse_reason_option, parse_since
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings

_STATES: Final = {
    BlockState.UNBLOCKED: "unblocked",
    BlockState.BY_OTHERS: "still blocked: somebody else has blocked it too",
    BlockState.WITHOUT_ACCOUNT: "still blocked: a number without an account, which only its owner "
    "knows; dialtone user unblock NUMBER",
}


def unblock_by_actor(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Unblock the accounts that an actor has blocked, and list what stays blocked."""
    if arguments.user is not None:
        raise InvalidArgument("Name a USER or --by KIND:ID, not both.")
    if arguments.since is None:
        raise InvalidArgument("--by needs --since TIME: since when the blocks are wrong.")
    actor, since = parse_actor(arguments.by), parse_since(arguments.since)
    caller = parse_operator(arguments)
    is_required = caller.needs_reason(acts.UNBLOCK)
    reason = parse_reason_option(arguments.reason, is_required=is_required)

    async def unblock(use_cases: UseCases) -> Sequence[FoundBlock]:
        unblock_by_actor = use_cases.administration.unblock_by_actor
        return await unblock_by_actor(caller, actor, since, reason, is_dry_run=arguments.dry_run)

    with explain_errors():
        blocks = call_with_use_cases(settings, unblock)
    for block in blocks:
        entry = block.entry
        yield (
            f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  entry {entry.id}  {entry.subject}  "
            + (_STATES[block.state])
        )
    unblocked = [block for block in blocks if block.state is BlockState.UNBLOCKED]
    end = "would be unblocked. Nothing was changed." if arguments.dry_run else "are unblocked."
    yield f"{len(unblocked)} of {len(blocks)} {end}"
