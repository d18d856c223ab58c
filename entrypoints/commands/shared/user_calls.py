"""How commands call use cases for a user: found by a text, with a reason, by the operator."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.administration.operator import Operator
from application.use_cases import UseCases
from domain.errors import DomainError, UserNotFound
from domain.phone import PhoneNumber
from entrypoints.commands.shared.options import ActOptions
from entrypoints.commands.shared.parsing import parse_readings
from entrypoints.commands.shared.use_case_calls import call_with_use_cases
from entrypoints.parts.composition import Openable
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError
from entrypoints.texts import acts
from entrypoints.texts.user_text import explain_nobody, find_users

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UserCall:
    """The arguments of a use case that acts for a user; the audit has the reason."""

    use_cases: UseCases
    operator: Operator
    user: FoundUser
    reason: str

    @property
    def act(self) -> ActForUsers:
        return self.use_cases.administration.act_for_users

    @property
    def query(self) -> UserQuery:
        """The user in a form that has one meaning: the id, or a phone without an account."""
        return self.user.identity.id if self.user.identity else self.user.require_phone()


def call_for_user(
    settings: Settings,
    user_text: str,
    options: ActOptions,
    call: Callable[[UserCall], Awaitable[T]],
    openables: Collection[Openable] = (),
    *,
    act: Act | None,
    texts: Mapping[type[DomainError], str] = MappingProxyType({}),
) -> T:
    """Find a user, and call as `call_with_use_cases` does.

    Nothing is done without a reason that the act needs. The audit has no entry if `act` is None.

    Raises:
        CommandError: no user was found, several were, or the use case failed.
    """
    readings = parse_readings(settings, user_text)
    operator, reason = options.parse(act)

    async def find_and_call(use_cases: UseCases) -> T:
        user = await find_one(use_cases.administration.find_user, readings)
        try:
            return await call(UserCall(use_cases, operator, user, reason))
        except UserNotFound:
            raise CommandError(_explain_not_found(user)) from None

    return call_with_use_cases(settings, find_and_call, openables, texts)


async def find_one(find_user: FindUser, readings: Sequence[UserQuery]) -> FoundUser:
    """Find the user that a text means.

    Raises:
        CommandError: no user was found, or several were.
    """
    found = await find_users(find_user, readings)
    if not found:
        raise CommandError(explain_nobody(readings))
    if len(found) > 1:
        listed = " and ".join(map(_describe, found))
        raise CommandError(
            f"This may mean {listed}. Use an id, or write the phone number with + and the country "
            "code."
        )
    return found[0]


def _describe(user: FoundUser) -> str:
    if user.identity is None:
        return f"the phone {name_user(user)}, which has no account,"
    return f"the user {user.identity.id} ({user.phone.masked if user.phone else 'without a phone'})"


def name_user(user: FoundUser) -> str:
    """Return how the output of a command names a user: by the masked phone, or by the id."""
    return user.phone.masked if user.phone else user.subject


def _explain_not_found(user: FoundUser) -> str:
    match user:
        case FoundUser(identity=None, phone=PhoneNumber()):
            return acts.NO_ACCOUNT
        case FoundUser(identity=identity) if identity is not None and identity.is_deleted:
            return acts.ACCOUNT_DELETED
        case _:
            return acts.explain_lost_phone("dialtone user change-phone gives it another.")
