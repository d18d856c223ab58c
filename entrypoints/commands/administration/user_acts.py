"""Acts on users: each act of the table that needs a user and a reason is a command."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    act_options,
    user_argument,
)

if TYPE_CHECKING:
    from application.administration.acts import Act
    from entrypoints.commands.shared.user_calls import UserCall
    from entrypoints.settings.settings import Settings

_NO_ADMINISTRATOR: Final = (
    "This was the last administrator: now only commands do what administrators do. dialtone user "
    "promote makes somebody one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserAct:
    """How a command does an act; `help` follows the act's `does`, or replaces an empty one."""

    do: "Callable[..., Awaitable[Sequence[str]]]"
    help: str
    parameters: Sequence[click.Parameter] = ()
    examples: Sequence[str] = ()


def act_commands() -> list[click.Command]:
    """Make the commands of acts on users from the table of acts."""
    from application.administration.acts import CORE_ACTS

    return [_act_command(act, _USER_ACTS[act.name]) for act in CORE_ACTS if act.name in _USER_ACTS]


def _act_command(act: "Act", user_act: _UserAct) -> click.Command:
    @click.command(
        act.name,
        cls=Command,
        help=f"{act.does}{user_act.help}",
        examples=[f"{example} {REASON}" for example in [PHONE, *user_act.examples]],
    )
    @user_argument
    @act_options
    def act_on_user(
        settings: "Settings", user: str, options: "ActOptions", **values: object
    ) -> "Iterable[str]":
        from entrypoints.commands.shared.user_calls import call_for_user

        return call_for_user(
            settings, user, options, lambda call: user_act.do(call, **values), act=act
        )

    act_on_user.params += user_act.parameters
    return act_on_user


async def _reset_limits(call: "UserCall") -> Sequence[str]:
    from entrypoints.commands.shared.user_calls import name_user

    result = await call.act.reset_limits(call.operator, call.query, call.reason)
    attempts = "one attempt" if result.attempts == 1 else f"{result.attempts} attempts"
    return [
        f"The limits of {name_user(call.user)} are reset: a message is possible now, and brings "
        f"{attempts}. Limits that many phones share stay.",
        f"Resets left today: {result.resets_left}",
    ]


async def _sign_out(call: "UserCall") -> Sequence[str]:
    from entrypoints.commands.shared.user_calls import name_user

    revoked = await call.act.sign_out(call.operator, call.query, call.reason)
    identity = call.user.identity
    stay = "Passkeys stay: dialtone user passkey-remove removes them."
    return [
        f"{name_user(call.user)} is signed out; revoked sessions: {revoked}.",
        *[stay] * bool(identity and identity.passkeys),
    ]


async def _block(call: "UserCall") -> Sequence[str]:
    from entrypoints.commands.shared.user_calls import name_user

    user = await call.act.block(call.operator, call.query, call.reason)
    return [f"{name_user(user)} is blocked now."]


async def _promote(call: "UserCall", role: str) -> Sequence[str]:
    user_id, *notes = await _change_role(call, role)
    return [f"{user_id} has the role {role} now. All sessions have ended: sign in again.", *notes]


async def _demote(call: "UserCall") -> Sequence[str]:
    user_id, *notes = await _change_role(call, "member")
    return [f"{user_id} is a member now.", *notes]


async def _change_role(call: "UserCall", role: str) -> Sequence[str]:
    """Change the role, and return the id, and what to say if the last administrator lost it."""
    from domain.identities.role import Role

    former = call.user.identity
    user = await call.act.change_role(call.operator, call.query, Role(role), call.reason)
    identities = call.use_cases.repositories.identities
    was_administrator = former is not None and former.is_administrator
    is_without = was_administrator and not await identities.list_administrators(limit=1)
    return [user.subject, *[_NO_ADMINISTRATOR] * is_without]


async def _detach(call: "UserCall") -> Sequence[str]:
    user = await call.act.detach(call.operator, call.query, call.reason)
    number = user.phone.masked if user.phone else "Its number"
    return [
        f"{user.subject} has no number now, and no sessions and no username. {number} may sign in, "
        "and gets a new account.",
        f"Keep the id: dialtone user change-phone {user.subject} NUMBER gives the account another "
        "number.",
    ]


_ROLE: Final = click.Option(
    ["--role"],
    type=click.Choice(["support", "moderator", "auditor", "administrator"]),
    default="administrator",
    help="Support finds and helps users, a moderator looks after what users show, an auditor only "
    "reads, an administrator does everything (default: administrator).",
)
_USER_ACTS: Final[dict[str, _UserAct]] = {
    "reset-limits": _UserAct(
        do=_reset_limits,
        help="Let a phone get one code at once: its cooldown and deliveries no longer count. "
        "Possible twice a day. At most 50 failed attempts in a row stay, and all limits that many "
        "phones share.",
    ),
    "sign-out": _UserAct(
        do=_sign_out, help="Revoke all sessions. Passkeys stay, and the user may sign in again."
    ),
    "block": _UserAct(
        do=_block,
        help=". Its sessions are revoked, and no code opens another. Without an account it gets no "
        "messages.",
    ),
    "promote": _UserAct(
        do=_promote,
        help=", from the next login on.",
        parameters=[_ROLE],
        examples=[f"{PHONE} --role support"],
    ),
    "demote": _UserAct(do=_demote, help=", from the next request on."),
    "detach": _UserAct(
        do=_detach,
        help=". Sessions, codes and the username end; the account stays, under its id.",
    ),
}
