"""What is sent about users, and what is to come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from domain.phone import PhoneNumber
from tests.stateful.calls import Call
from tests.stateful.users_model import Became, Person
from tests.stateful.users_names import Name
from tests.support.builders import NOW

REFUSALS: Final = {
    Became.NOT_OWN: (403, "phone_mismatch"),
    Became.NO_USER: (404, "user_not_found"),
    Became.NUMBER_IN_USE: (409, "phone_in_use"),
    Became.NAME_IN_USE: (409, "username_in_use"),
}
_SENTENCES: Final = {
    "user_not_found": "User not found",
    "phone_in_use": "Phone number already in use",
    "username_in_use": "Username already in use",
    "invalid_id": "Invalid user id",
    "phone_mismatch": "The number is not the phone that you signed in with.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody with a token wants a user of this name and this number, spelled so."""

    token: str
    name: Name
    phone: PhoneNumber
    number: str

    @property
    def call(self) -> Call:
        """The request for it."""
        body = {"username": self.name.written, "number": self.number, "admin": True}
        return Call("POST", "/users", body, self.token)


def renaming(token: str, name: Name) -> Call:
    """The request for another name."""
    return Call("PATCH", "/users/me", {"username": name.written}, token)


def told(answer: httpx.Response) -> Became:
    """What an answer says became of a wish."""
    if answer.is_success:
        return Became.DONE
    refusal = (answer.status_code, answer.json()["code"])
    return next(became for became, row in REFUSALS.items() if row == refusal)


def shown(person: Person, *, in_full: bool) -> dict[str, Any]:
    """A user as the service is to show it."""
    assert person.name is not None
    since: datetime = NOW + timedelta(seconds=person.user_since)
    number = person.phone.e164
    return {
        "_id": person.id,
        "username": person.name.shown,
        "number": number if in_full else f"+1********{number[-2:]}",
        "created_on": since.strftime("%Y-%m-%dT%H:%M:%S.") + f"{since.microsecond // 1000:03}Z",
        "admin": person.is_administrator,
    }


def is_refused(
    answer: httpx.Response, status: int, code: str, extras: Mapping[str, object] | None = None
) -> None:
    """See that an answer is this refusal, in the words that are fixed."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert body.pop("error") == _SENTENCES[code]
    assert body == {"code": code, **(extras or {})}
