"""The table of acts for a user: each row makes a path of the API, and a command."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from application.administration import acts
from application.administration.acts import Act
from domain.administration.scopes import STAFF_ROLES, parse_staff_role
from domain.errors import Forbidden
from domain.identities.role import Role

if TYPE_CHECKING:
    from application.administration.act_for_users import ActForUsers
    from application.administration.find_user import UserQuery
    from application.administration.operator import Operator
    from application.administration.show_user import UserDetails
    from domain.identities.external_id import ExternalId
    from domain.identities.identity import Identity
    from domain.identities.username import Username, UsernameRules
    from domain.phone import PhoneRules


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRules:
    """The settings that the texts of fields are parsed by."""

    username_rules: "UsernameRules"
    default_region: str | None
    phone_rules: "PhoneRules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActField:
    """A text that an act needs beside the user and the reason, or a choice.

    Attributes:
        example: A value, for the help of the command.
        default: Value if it is not sent, or is null.
        choices: Allowed values; empty for any text that `parse` accepts.
    """

    name: str
    label: str
    explains: str
    example: str
    parse: Callable[[str, FieldRules], object]
    default: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActCall:
    """Who acts for whom, and why.

    Attributes:
        feature: The use cases of the row's feature; None for a row of the core.
        values: The values of the fields of the body, by their names.
    """

    act: "ActForUsers"
    operator: "Operator"
    query: "UserQuery"
    reason: str
    feature: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAct:
    """An act for a user: by the API for all who may do it, for operators by a command too.

    Attributes:
        feature: The name of the feature that adds it; empty for one of the core.
        title: What people click on. It has no subject.
        explains: What happens, for people: full sentences, of which the first one is a summary.
        for_programs: What only the description of the API says after it.
        done: What happened: a sentence with names of results in braces.
        run: Acts, and returns the results by the names of fields of responses.
        is_offered: Whether it makes sense for this user.
        is_final: Whether it cannot be undone.
    """

    act: Act
    title: str
    explains: str
    for_programs: str = ""
    done: str
    run: Callable[[ActCall], Awaitable[Mapping[str, Any]]]
    is_offered: "Callable[[UserDetails], bool]"
    fields: Sequence[ActField] = ()
    is_final: bool = False
    feature: str = ""

    @property
    def name(self) -> str:
        return self.act.name

    def describe(self, results: Mapping[str, Any]) -> str:
        """Return what happened, for people."""
        return self.done.format(**results)


def has_account(details: "UserDetails") -> bool:
    """Return whether there is an account that is not deleted, also one without a phone."""
    identity = details.user.identity
    return identity is not None and not identity.is_deleted


def _open_account(details: "UserDetails") -> "Identity | None":
    """Return the account if it is not deleted and has a phone."""
    identity = details.user.identity
    return None if identity is None or identity.is_closed else identity


def _is_open(details: "UserDetails") -> bool:
    return _open_account(details) is not None


def _is_staff(details: "UserDetails") -> bool:
    account = _open_account(details)
    return account is not None and account.is_staff


def _has_username(details: "UserDetails") -> bool:
    account = _open_account(details)
    return account is not None and account.username is not None


def _is_blocked(details: "UserDetails") -> bool:
    return details.verification is not None and details.verification.blocked_since is not None


def _gets_codes(details: "UserDetails") -> bool:
    return details.verification is not None and not _is_blocked(details)


def _is_detachable(details: "UserDetails") -> bool:
    return _is_open(details) and not _is_staff(details) and not _is_blocked(details)


# The help of commands imports this module, and `username` and `phone` are slow to import.
def _parse_username(text: str, rules: FieldRules) -> "Username":
    from domain.identities.username import parse_username

    return parse_username(text, rules.username_rules)


def _parse_external_id(text: str, _: FieldRules) -> "ExternalId | None":
    from domain.identities.external_id import parse_external_id

    return parse_external_id(text) if text else None


async def _reset_limits(call: ActCall) -> Mapping[str, Any]:
    result = await call.act.reset_limits(
        call.operator, call.query, call.reason, expected_left=call.values.get("resets_left")
    )
    return {"resets_left": result.resets_left, "attempts": result.attempts}


async def _sign_out(call: ActCall) -> Mapping[str, Any]:
    ended = await call.act.sign_out(call.operator, call.query, call.reason)
    return {"sessions_ended": ended}


async def _end_session(call: ActCall) -> Mapping[str, Any]:
    user = await call.act.end_session(
        call.operator, call.query, call.values["session_id"], call.reason
    )
    return {"subject": user.subject}


async def _block(call: ActCall) -> Mapping[str, Any]:
    user = await call.act.block(call.operator, call.query, call.reason)
    return {"subject": user.subject}


async def _unblock(call: ActCall) -> Mapping[str, Any]:
    user = await call.act.unblock(call.operator, call.query, call.reason)
    return {"subject": user.subject}


async def _promote(call: ActCall) -> Mapping[str, Any]:
    role: Role = call.values["role"]
    user = await call.act.change_role(call.operator, call.query, role, call.reason)
    return {"subject": user.subject, "role": role.value}


async def _demote(call: ActCall) -> Mapping[str, Any]:
    user = await call.act.change_role(call.operator, call.query, Role.MEMBER, call.reason)
    return {"subject": user.subject}


async def _rename(call: ActCall) -> Mapping[str, Any]:
    username: Username = call.values["new_username"]
    user = await call.act.rename(call.operator, call.query, username, call.reason)
    return {"subject": user.subject, "username": username.text}


async def _set_external_id(call: ActCall) -> Mapping[str, Any]:
    external_id: ExternalId | None = call.values["new_external_id"]
    user = await call.act.set_external_id(call.operator, call.query, external_id, call.reason)
    return {"subject": user.subject, "external_id": external_id or "none"}


async def _detach(call: ActCall) -> Mapping[str, Any]:
    user = await call.act.detach(call.operator, call.query, call.reason)
    return {"subject": user.subject}


async def _delete(call: ActCall) -> Mapping[str, Any]:
    return {"retained": await call.act.delete(call.operator, call.query, call.reason)}


_ROLE: Final = ActField(
    name="role",
    label="Role",
    explains="Support finds and helps users, a moderator looks after what users show, an auditor"
    " only reads, an administrator does everything",
    example=Role.SUPPORT.value,
    parse=lambda text, _: parse_staff_role(text),
    default=Role.ADMINISTRATOR.value,
    choices=[role.value for role in STAFF_ROLES],
)
_USERNAME: Final = ActField(
    name="new_username",
    label="New username",
    explains="1 to 64 characters",
    example="Asha R.",
    parse=_parse_username,
)
_EXTERNAL_ID: Final = ActField(
    name="new_external_id",
    label="New external id",
    explains="What another system calls the user; an empty text for none",
    example="auth0|5f7c8ec7c33c6c004bbafe82",
    parse=_parse_external_id,
)
_SESSION_ID: Final = ActField(
    name="session_id",
    label="Id of the session",
    explains="The id of the session, as the details of the user have it",
    example="0f8fad5bd9cb469fa16570867728950e",
    parse=lambda text, _: text.strip(),
)
UNBLOCK_USER: Final = UserAct(
    act=acts.UNBLOCK,
    title="Unblock the phone",
    explains="Let a blocked phone sign in again. Sessions that have ended stay ended.",
    done="Phone unblocked",
    run=_unblock,
    is_offered=_is_blocked,
)
USER_ACTS: Final[Sequence[UserAct]] = (
    UserAct(
        act=acts.RESET_LIMITS,
        title="Reset the limits",
        explains="Let a phone get a code again, whatever was sent to it today. The wait for the"
        " next message ends, and the messages of the last day no longer count in the limits of this"
        " phone. Devices and IPs that failed too often are recognized again. Of failed attempts in"
        " a row at most 50 stay: with 50, each message brings strangers one attempt. All limits"
        " that many phones share stay. It is possible twice a day; a blocked phone needs an"
        " account.",
        for_programs="Attempts at codes that are active stay too. With `resets_left`, a second"
        " request does not use up the second reset: it is a 409 `limits_reset_before`.",
        done="The limits are reset, and a message is possible now. Attempts that it brings:"
        " {attempts}. Resets left today: {resets_left}.",
        run=_reset_limits,
        is_offered=_gets_codes,
    ),
    UserAct(
        act=acts.SIGN_OUT,
        title="End all sessions",
        explains="End all sessions of a user, in apps and in the console. Passkeys stay, and the"
        " user may sign in again.",
        for_programs="The tokens become invalid at once.",
        done="Sessions that have ended: {sessions_ended}. Passkeys stay.",
        run=_sign_out,
        is_offered=_is_open,
    ),
    UserAct(
        act=acts.END_SESSION,
        title="End one session",
        explains="End a session of a user, of an app or the console, and recognize its device no"
        " longer. The others stay.",
        for_programs="Its tokens become invalid at once.",
        done="Session ended",
        run=_end_session,
        is_offered=lambda details: _is_open(details) and bool(details.sessions),
        fields=[_SESSION_ID],
    ),
    UserAct(
        act=acts.BLOCK,
        title="Block the phone",
        explains="Block a phone: no code signs in, and its sessions end. A phone without an account"
        " gets no messages either. Nothing is deleted.",
        done="Phone blocked",
        run=_block,
        is_offered=_gets_codes,
    ),
    UNBLOCK_USER,
    UserAct(
        act=acts.PROMOTE,
        title="Give a role",
        explains="Give a user a role of the staff, in place of a former one. All sessions of the"
        " user end, and the rights begin with the next sign-in. You cannot give a role above your"
        " own. You cannot act on yourself, or on staff of the same or a higher role: only a command"
        " can. So an administrator is demoted by a command only. This is so for all acts.",
        for_programs="A service token gives only a role whose scopes it has.",
        done="User promoted. The role is {role}, and all sessions have ended.",
        run=_promote,
        is_offered=_is_open,
        fields=[_ROLE],
    ),
    UserAct(
        act=acts.DEMOTE,
        title="Make a member",
        explains="Take the role away, so that the user is a member from the next request on.",
        done="User demoted",
        run=_demote,
        is_offered=_is_staff,
    ),
    UserAct(
        act=acts.RENAME,
        title="Change the username",
        explains="Give a user another username. The former one is free at once, for everybody. The"
        " owner can change it again.",
        done="User renamed. The username is {username}.",
        run=_rename,
        is_offered=_has_username,
        fields=[_USERNAME],
    ),
    UserAct(
        act=acts.SET_EXTERNAL_ID,
        title="Change the external id",
        explains="Set what another system calls a user, or remove it. No two users have the same"
        " one.",
        done="External id changed. It is {external_id}.",
        run=_set_external_id,
        is_offered=_is_open,
        fields=[_EXTERNAL_ID],
    ),
    UserAct(
        act=acts.DETACH,
        title="Take the number away",
        explains="Take the number from an account, because it belongs to somebody else now. The"
        " sessions of the account, codes under way, known networks and the username end. The next"
        " sign-in with the number opens a new account. The account stays, and is found by its id:"
        " with another number it has an owner again. Unblock a blocked user first. Staff cannot be"
        " detached.",
        for_programs="The backend of the app gets `user.deleted`. `subject` is the id of the"
        " account. No service token does it.",
        done="User detached. Keep the id of the account, {subject}: with another number it has an"
        " owner again.",
        run=_detach,
        is_offered=_is_detachable,
    ),
    UserAct(
        act=acts.DELETE,
        title="Delete the account",
        explains="Delete an account with its data. It cannot be restored: in case of doubt block"
        " the phone instead.",
        for_programs="It is deleted as by `DELETE /users/me`. The response says what remains.",
        done="Account deleted",
        run=_delete,
        is_offered=has_account,
        is_final=True,
    ),
)
"""The acts of the core, in the order in which people see them: the deletion is the last one."""


def explain_no_acts(
    user_acts: Sequence[UserAct], operator: "Operator", details: "UserDetails"
) -> str:
    """Return why the operator does none of the acts that make sense; empty if it does some."""
    try:
        operator.check_subject(details.user)
    except Forbidden as error:
        return error.message
    makes_sense = any(each.is_offered(details) for each in user_acts)
    if makes_sense and not offered_acts(user_acts, operator, details):
        return "Your role can see this person, but cannot act for anybody."
    return ""


def offered_acts(
    user_acts: Sequence[UserAct], operator: "Operator", details: "UserDetails"
) -> Sequence[str]:
    """Return the names of acts that make sense for a user, and that the operator may do."""
    if not operator.may_act_on(details.user):
        return ()
    return [
        each.name
        for each in user_acts
        if each.is_offered(details) and each.act.scope and operator.has_scope(each.act.scope)
    ]
