"""Each thing that people do, done to the service and to the model; what they say must agree."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import permutations
from typing import TypeVar

import httpx

from domain.phone import PhoneNumber
from tests.stateful.calls import Call
from tests.stateful.served import Served
from tests.stateful.users_answers import REFUSALS, Wish, is_refused, renaming, shown, told
from tests.stateful.users_model import Became, Person, UsersModel
from tests.stateful.users_names import Name

T = TypeVar("T")


@dataclass
class UsersDesk:
    """The service, and the model that it is compared with."""

    served: Served
    model: UsersModel = field(default_factory=UsersModel)
    given: list[str] = field(default_factory=list)
    """Every token that was ever given."""

    def sign_in(self, phone: PhoneNumber) -> str:
        """Sign in anew; gives the token."""
        asked = Call("POST", "/auth/request-otp", {"phone": phone.e164})
        assert self.served.answer(asked).status_code == 200
        code = self.served.messenger.messages[-1].code
        answer = self.served.answer(
            Call("POST", "/auth/verify-otp", {"phone": phone.e164, "otp": code})
        )
        token: str = answer.json()["access_token"]
        self.given.append(token)
        self.model.sign_in(phone, token, self.served.now)
        return token

    # Becoming a user

    def create(self, wish: Wish) -> None:
        """Post a user."""
        self._is_created(wish, self.served.answer(wish.call))

    def create_together(self, wishes: Sequence[Wish]) -> None:
        """Post users at the same time: each is told what it is told in some order of them."""
        answers = self.served.answers(*(wish.call for wish in wishes))

        def become(model: UsersModel, wish: Wish) -> Became:
            principal = model.shows(wish.token, self.served.now)
            assert principal is not None
            return model.create(principal, wish.name, wish.phone, self.served.now)

        for wish, answer in self._in_order(wishes, answers, become):
            self._is_created(wish, answer)

    def _is_created(self, wish: Wish, answer: httpx.Response) -> None:
        principal = self._caller(wish.token, answer)
        if principal is None:
            return
        became = self.model.create(principal, wish.name, wish.phone, self.served.now)
        person = self.model.at(wish.phone)
        if became is not Became.DONE:
            extras: dict[str, object] = {}
            if (
                became is Became.NUMBER_IN_USE
                and person is principal
                and principal.name is not None
            ):
                extras = {"user_id": principal.id, "username": principal.name.shown}
            is_refused(answer, *REFUSALS[became], extras)
            return
        assert answer.status_code == 201
        assert person is not None
        body = answer.json()
        self._has_id(person, body.pop("user_id"))
        assert body == {"message": "User created", "admin": person.is_administrator}

    def _has_id(self, person: Person, user_id: str) -> None:
        if person.id is None:
            assert len(user_id) == 24
            assert set(user_id) <= set("0123456789abcdef")
            assert user_id not in [one.id for one in self.model.people]
            person.id = user_id
        assert user_id == person.id

    # Another name

    def rename(self, token: str, name: Name) -> None:
        """Take another name."""
        self._is_renamed(token, name, self.served.answer(renaming(token, name)))

    def rename_together(self, tokens: Sequence[str], name: Name) -> None:
        """Several want one name at the same time: each is told what it is told in some order."""
        answers = self.served.answers(*(renaming(token, name) for token in tokens))

        def become(model: UsersModel, token: str) -> Became:
            principal = model.shows(token, self.served.now)
            assert principal is not None
            return model.rename(principal, name, self.served.now)

        for token, answer in self._in_order(tokens, answers, become):
            self._is_renamed(token, name, answer)

    def _is_renamed(self, token: str, name: Name, answer: httpx.Response) -> None:
        principal = self._caller(token, answer)
        if principal is None:
            return
        became = self.model.rename(principal, name, self.served.now)
        if became is not Became.DONE:
            is_refused(answer, *REFUSALS[became])
            return
        assert answer.status_code == 200
        assert answer.json() == shown(principal, in_full=True)

    # Reading and leaving

    def read_me(self, token: str) -> None:
        """Read oneself."""
        answer = self.served.answer(Call("GET", "/users/me", token=token))
        principal = self._caller(token, answer)
        if principal is None:
            return
        if principal.name is None:
            is_refused(answer, 404, "user_not_found")
            return
        self._has_id(principal, answer.json()["_id"])
        assert answer.json() == shown(principal, in_full=True)

    def read(self, token: str, user_id: str) -> None:
        """Read somebody by an id, which may be nobody's."""
        answer = self.served.answer(Call("GET", f"/users/{user_id}", token=token))
        principal = self._caller(token, answer)
        if principal is None:
            return
        person = next((one for one in self.model.people if one.id == user_id.lower()), None)
        if person is None or person.left is not None:
            is_refused(answer, 404, "user_not_found")
            return
        assert answer.status_code == 200
        in_full = person is principal or principal.is_administrator
        assert answer.json() == shown(person, in_full=in_full)

    def read_nonsense(self, token: str, text: str) -> None:
        """Read what cannot be an id."""
        answer = self.served.answer(Call("GET", f"/users/{text}", token=token))
        if self._caller(token, answer) is not None:
            is_refused(answer, 400, "invalid_id")

    def is_invalid(self, call: Call, *fields: str) -> None:
        """Send what cannot be used; these fields are named."""
        assert call.token is not None
        answer = self.served.answer(call)
        if self._caller(call.token, answer) is not None:
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
            assert set(answer.json()["errors"]) == set(fields)

    def leave(self, token: str) -> None:
        """Delete oneself; every token stops."""
        answer = self.served.answer(Call("DELETE", "/users/me", token=token))
        principal = self._caller(token, answer)
        if principal is None:
            return
        assert answer.status_code == 204
        tokens = [*principal.tokens]
        self.model.leave(principal, self.served.now)
        for one in tokens:
            self.read_me(one)

    # Operators

    def promote(self, person: Person) -> None:
        """Make somebody an administrator, from the next request on."""
        self.served.run(self.served.use_cases.promote_user(person.phone))
        person.is_administrator = True

    def block(self, phone: PhoneNumber) -> None:
        """Block a phone: its tokens stop, all else of its user stays."""
        self.served.run(self.served.use_cases.block_phone(phone))
        if person := self.model.at(phone):
            person.tokens = {}

    def unblock(self, phone: PhoneNumber) -> None:
        """End that."""
        self.served.run(self.served.use_cases.unblock_phone(phone))

    def cleanup(self) -> None:
        """Sweep, which nobody notices."""
        self.served.run(self.served.use_cases.cleanup())

    def _in_order(
        self,
        asked: Sequence[T],
        answers: Sequence[httpx.Response],
        become: Callable[[UsersModel, T], Became],
    ) -> Sequence[tuple[T, httpx.Response]]:
        for order in permutations(zip(asked, answers, strict=True)):
            model = deepcopy(self.model)
            if all(become(model, one) is told(answer) for one, answer in order):
                return order
        raise AssertionError("what was answered is answered in no order")

    def _caller(self, token: str, answer: httpx.Response) -> Person | None:
        principal = self.model.shows(token, self.served.now)
        assert (answer.status_code == 401) == (principal is None)
        return principal
