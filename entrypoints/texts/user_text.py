"""A user as operators write one: a phone number, a username, a user id or external_id:ID."""

from collections.abc import Sequence
from typing import Final

from application.administration.find_user import ExternalIdQuery, FindUser, FoundUser, UserQuery
from domain.errors import AmbiguousPhone, InvalidValue
from domain.identifier import parse_identifier
from domain.identities.external_id import parse_external_id
from domain.identities.username import Username, parse_username
from domain.phone import parse_phone

_EXTERNAL_ID: Final = "external_id:"


def parse_user_text(text: str, default_region: str | None) -> Sequence[UserQuery]:
    """Return all that a text may mean: a phone, a username or an id.

    - A phone with a plus is only a phone: it finds no user with a name like a number.
    - `external_id:TEXT` is only an external id, which may look like all the others.

    Raises:
        InvalidValue: It can be none of these.
    """
    external_id = text.removeprefix(_EXTERNAL_ID)
    if external_id != text:
        return [ExternalIdQuery(parse_external_id(external_id))]
    readings: list[UserQuery] = []
    if user_id := parse_identifier(text):
        readings.append(user_id)
    try:
        phone = parse_phone(text, default_region, rules=None)
    except AmbiguousPhone:
        raise
    except InvalidValue:
        pass
    else:
        if text.lstrip().startswith("+"):
            return [phone]
        readings.append(phone)
    try:
        readings.append(parse_username(text))
    except InvalidValue:
        if not readings:
            raise InvalidValue(
                "This is not a user: use a phone number like +14155552671, a username, a user id or"
                " external_id:ID."
            ) from None
    return readings


async def find_users(find_user: FindUser, readings: Sequence[UserQuery]) -> Sequence[FoundUser]:
    """Find all users that a text means: none, one, or several that have to be told apart.

    An existing id means its own account, even if another user has it as a name: so an id tells
    several users apart.
    """
    ids = [reading for reading in readings if isinstance(reading, str)]
    return await find_user.find_any(ids) or await find_user.find_any(readings)


def explain_nobody(readings: Sequence[UserQuery]) -> str:
    """Return what was looked for. A phone is never missing: it is found without an account."""
    match readings:
        case [str(), Username()]:
            return "There is no account with this id, and none with this username."
        case [ExternalIdQuery()]:
            return "There is no account with this external id."
        case [str()]:
            return "There is no account with this id."
        case _:
            return (
                "There is no account with this username. Write a phone number with + and the "
                "country code, like +14155552671, or use a user id or external_id:ID."
            )
