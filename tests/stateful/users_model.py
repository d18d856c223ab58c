"""What is promised about identities, users and their names; times are seconds."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from domain.phone import PhoneNumber
from tests.stateful.users_names import Name

DAY: Final = 24 * 60 * 60
NAME_HELD: Final = 30 * DAY
TOKEN_LIFE: Final = 90 * DAY


class Became(Enum):
    """What becomes of a wish for a user or for a name."""

    DONE = auto()
    NOT_OWN = auto()
    NO_USER = auto()
    NUMBER_IN_USE = auto()
    NAME_IN_USE = auto()


@dataclass(eq=False)
class Person:
    """An identity; its id is not known before it is a user."""

    phone: PhoneNumber
    id: str | None = None
    name: Name | None = None
    user_since: float = 0
    is_administrator: bool = False
    left: float | None = None
    tokens: dict[str, float] = field(default_factory=dict)


@dataclass
class UsersModel:
    """Everybody who ever was."""

    people: list[Person] = field(default_factory=list)

    def at(self, phone: PhoneNumber) -> Person | None:
        """Whose phone it is."""
        return next((one for one in self.people if one.phone == phone and one.left is None), None)

    def joined(self, phone: PhoneNumber) -> Person:
        """Whose phone it is, from now on at the latest."""
        person = self.at(phone)
        if person is None:
            person = Person(phone)
            self.people.append(person)
        return person

    def shows(self, token: str, now: float) -> Person | None:
        """Who is signed in with a token."""
        for person in self.people:
            if token in person.tokens and now - person.tokens[token] < TOKEN_LIFE:
                return person
        return None

    def sign_in(self, phone: PhoneNumber, token: str, now: float) -> None:
        """Begin a session; of more than twenty the oldest ends."""
        person = self.joined(phone)
        on = {one: at for one, at in person.tokens.items() if now - at < TOKEN_LIFE}
        person.tokens = dict([*on.items(), (token, now)][-20:])

    def is_free(self, name: Name, person: Person | None, now: float) -> bool:
        """Whether this person may have this name."""
        for other in self.people:
            if other is person or other.name is None or other.name.which != name.which:
                continue
            if other.left is None or now - other.left < NAME_HELD:
                return False
        return True

    def create(self, principal: Person, name: Name, phone: PhoneNumber, now: float) -> Became:
        """Make a user of a phone; both clashes at once are one for the number."""
        if phone != principal.phone and not principal.is_administrator:
            return Became.NOT_OWN
        person = self.at(phone)
        if person is not None and person.name is not None:
            is_same = person.name.which == name.which
            return Became.DONE if is_same else Became.NUMBER_IN_USE
        if not self.is_free(name, person, now):
            return Became.NAME_IN_USE
        person = self.joined(phone)
        person.name, person.user_since = name, now
        return Became.DONE

    def rename(self, principal: Person, name: Name, now: float) -> Became:
        """Give the caller another name; the one before is free at once."""
        if principal.name is None:
            return Became.NO_USER
        if not self.is_free(name, principal, now):
            return Became.NAME_IN_USE
        principal.name = name
        return Became.DONE

    def leave(self, principal: Person, now: float) -> None:
        """Delete the caller; the name is held for a while."""
        principal.left, principal.tokens, principal.is_administrator = now, {}, False
