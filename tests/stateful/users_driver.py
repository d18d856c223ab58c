"""Runs each operation on users on the service and on the model, and compares the results."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, Final, TypeVar

import httpx

from domain.identities.identity import Role
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest
from tests.stateful.users_model import ModelIdentity, ModelUsername, UserOutcome, UsersModel
from tests.support.builders import NOW

T = TypeVar("T")

ERRORS: Final = {
    UserOutcome.PHONE_MISMATCH: (403, "phone_mismatch"),
    UserOutcome.REAUTHENTICATION_REQUIRED: (403, "reauthentication_required"),
    UserOutcome.USER_NOT_FOUND: (404, "user_not_found"),
    UserOutcome.PHONE_IN_USE: (409, "phone_in_use"),
    UserOutcome.USERNAME_IN_USE: (409, "username_in_use"),
}
INVALID_ID: Final = (400, "invalid_id")
_MESSAGES: Final = {
    "user_not_found": "User not found",
    "phone_in_use": "Phone number already in use",
    "username_in_use": "Username already in use",
    "invalid_id": "Invalid user id",
    "reauthentication_required": (
        "Sign in again: administrators act for others within a day after they signed in."
    ),
    "phone_mismatch": "The number is not the phone that you signed in with.",
}


@dataclass(frozen=True, slots=True)
class CreateUser:
    """A request to create a user with this username and phone; `number` is what is sent."""

    token: str
    username: ModelUsername
    phone: PhoneNumber
    number: str

    @property
    def http_request(self) -> HttpRequest:
        body = {"username": self.username.written, "number": self.number, "admin": True}
        return HttpRequest("POST", "/users", body, self.token)


@dataclass
class UsersDriver:
    """The service, the model, and every token that was issued."""

    http: HttpDriver
    model: UsersModel = field(default_factory=UsersModel)
    issued_tokens: list[str] = field(default_factory=list)

    def log_in(self, phone: PhoneNumber) -> str:
        """Log in and return the token."""
        request = HttpRequest("POST", "/auth/request-otp", {"phone": phone.e164})
        assert self.http.send(request).status_code == 200
        code = self.http.messenger.messages[-1].code
        response = self.http.send(
            HttpRequest("POST", "/auth/verify-otp", {"phone": phone.e164, "otp": code})
        )
        token: str = response.json()["access_token"]
        self.issued_tokens.append(token)
        self.model.add_session(phone, token, self.http.now)
        return token

    # Creating

    def create_user(self, request: CreateUser) -> None:
        """Create a user."""
        self._compare_created(request, self.http.send(request.http_request))

    def create_users_together(self, requests: Sequence[CreateUser]) -> None:
        """Create users at the same time. The responses are those of some order."""
        responses = self.http.send_together(*(request.http_request for request in requests))

        def create(model: UsersModel, request: CreateUser) -> UserOutcome:
            return model.create_user(request.token, request.username, request.phone, self.http.now)

        for request, response in self._find_order(requests, responses, create):
            self._compare_created(request, response)

    def _compare_created(self, request: CreateUser, response: httpx.Response) -> None:
        principal = self._authenticate(request.token, response)
        if principal is None:
            return
        now = self.http.now
        outcome = self.model.create_user(request.token, request.username, request.phone, now)
        identity = self.model.find_by_phone(request.phone)
        if outcome is not UserOutcome.DONE:
            extra: dict[str, object] = {}
            is_own = identity is principal and principal.username is not None
            if outcome is UserOutcome.PHONE_IN_USE and is_own:
                assert principal.username is not None
                extra = {"user_id": principal.id, "username": principal.username.shown}
            assert_error(response, *ERRORS[outcome], extra)
            return
        assert response.status_code == 201
        assert identity is not None
        body = response.json()
        self._compare_id(identity, body.pop("user_id"))
        assert body == {"message": "User created", "admin": identity.is_administrator}

    def _compare_id(self, identity: ModelIdentity, user_id: str) -> None:
        if identity.id is None:
            assert len(user_id) == 24
            assert set(user_id) <= set("0123456789abcdef")
            assert user_id not in [other.id for other in self.model.identities]
            identity.id = user_id
        assert user_id == identity.id

    # Renaming

    def rename_user(self, token: str, username: ModelUsername) -> None:
        """Rename the user of a token."""
        self._compare_renamed(token, username, self.http.send(_rename(token, username)))

    def rename_users_together(self, tokens: Sequence[str], username: ModelUsername) -> None:
        """Give several users the same name at the same time."""
        responses = self.http.send_together(*(_rename(token, username) for token in tokens))

        def rename(model: UsersModel, token: str) -> UserOutcome:
            principal = model.authenticate(token, self.http.now)
            assert principal is not None
            return model.rename_user(principal, username, self.http.now)

        for token, response in self._find_order(tokens, responses, rename):
            self._compare_renamed(token, username, response)

    def _compare_renamed(
        self, token: str, username: ModelUsername, response: httpx.Response
    ) -> None:
        principal = self._authenticate(token, response)
        if principal is None:
            return
        outcome = self.model.rename_user(principal, username, self.http.now)
        if outcome is not UserOutcome.DONE:
            assert_error(response, *ERRORS[outcome])
            return
        assert response.status_code == 200
        assert response.json() == _user_body(principal, has_full_number=True)

    # Reading and deleting

    def get_me(self, token: str) -> None:
        """Read the user of a token."""
        response = self.http.send(HttpRequest("GET", "/users/me", token=token))
        principal = self._authenticate(token, response)
        if principal is None:
            return
        if principal.username is None:
            assert_error(response, *ERRORS[UserOutcome.USER_NOT_FOUND])
            return
        self._compare_id(principal, response.json()["_id"])
        assert response.json() == _user_body(principal, has_full_number=True)

    def get_user(self, token: str, user_id: str) -> None:
        """Read a user by id, which may be unknown."""
        response = self.http.send(HttpRequest("GET", f"/users/{user_id}", token=token))
        principal = self._authenticate(token, response)
        if principal is None:
            return
        identity = next(
            (known for known in self.model.identities if known.id == user_id.lower()), None
        )
        if identity is None or identity.deleted_at is not None:
            assert_error(response, *ERRORS[UserOutcome.USER_NOT_FOUND])
            return
        assert response.status_code == 200
        has_full_number = identity is principal or (
            principal.is_administrator and principal.has_recent_login(token, self.http.now)
        )
        assert response.json() == _user_body(identity, has_full_number=has_full_number)

    def get_user_with_invalid_id(self, token: str, text: str) -> None:
        """Read a user by a text that is not an id."""
        response = self.http.send(HttpRequest("GET", f"/users/{text}", token=token))
        if self._authenticate(token, response) is not None:
            status, code = INVALID_ID
            field_error = {"field": "user_id", "code": code, "message": _MESSAGES[code]}
            assert_error(response, status, code, {"field_errors": [field_error]})

    def send_invalid(self, request: HttpRequest, *fields: str) -> None:
        """Send a request whose response reports these fields."""
        assert request.token is not None
        response = self.http.send(request)
        if self._authenticate(request.token, response) is not None:
            assert (response.status_code, response.json()["code"]) == (400, "invalid")
            assert set(response.json()["errors"]) == set(fields)

    def delete_user(self, token: str) -> None:
        """Delete the user of a token. No token of it works afterwards."""
        response = self.http.send(HttpRequest("DELETE", "/users/me", token=token))
        principal = self._authenticate(token, response)
        if principal is None:
            return
        assert response.status_code == 204
        revoked_tokens = [*principal.sessions]
        self.model.delete_user(principal, self.http.now)
        for revoked_token in revoked_tokens:
            self.get_me(revoked_token)

    # Operators

    def promote(self, identity: ModelIdentity) -> None:
        """Make an administrator, from the next login on."""
        self.http.run(self.http.use_cases.change_role(identity.phone, Role.ADMINISTRATOR))
        if not identity.is_administrator:
            identity.sessions = {}
        identity.is_administrator = True

    def block(self, phone: PhoneNumber) -> None:
        """Block a phone, which revokes its sessions and changes nothing else."""
        self.http.run(self.http.use_cases.block_phone(phone))
        if identity := self.model.find_by_phone(phone):
            identity.sessions = {}

    def unblock(self, phone: PhoneNumber) -> None:
        """Unblock a phone."""
        self.http.run(self.http.use_cases.unblock_phone(phone))

    def cleanup(self) -> None:
        """Run the cleanup, which changes nothing in the model."""
        self.http.run(self.http.use_cases.cleanup())

    def _find_order(
        self,
        requests: Sequence[T],
        responses: Sequence[httpx.Response],
        apply: Callable[[UsersModel, T], UserOutcome],
    ) -> Sequence[tuple[T, httpx.Response]]:
        for order in permutations(zip(requests, responses, strict=True)):
            model = deepcopy(self.model)
            if all(apply(model, request) is _outcome(response) for request, response in order):
                return order
        raise AssertionError("no order of the requests leads to these responses")

    def _authenticate(self, token: str, response: httpx.Response) -> ModelIdentity | None:
        principal = self.model.authenticate(token, self.http.now)
        assert (response.status_code == 401) == (principal is None)
        return principal


def assert_error(
    response: httpx.Response, status: int, code: str, extra: Mapping[str, object] | None = None
) -> None:
    """Assert that a response is this error, with the message that clients know."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert body.pop("error") == _MESSAGES[code]
    assert body == {"code": code, **(extra or {})}


def _rename(token: str, username: ModelUsername) -> HttpRequest:
    return HttpRequest("PATCH", "/users/me", {"username": username.written}, token)


def _outcome(response: httpx.Response) -> UserOutcome:
    if response.is_success:
        return UserOutcome.DONE
    error = (response.status_code, response.json()["code"])
    return next(outcome for outcome, row in ERRORS.items() if row == error)


def _user_body(identity: ModelIdentity, *, has_full_number: bool) -> dict[str, Any]:
    assert identity.username is not None
    created_on: datetime = NOW + timedelta(seconds=identity.user_since)
    milliseconds = f"{created_on.microsecond // 1000:03}"
    number = identity.phone.e164
    admin = {"admin": identity.is_administrator} if has_full_number else {}
    return {
        "_id": identity.id,
        "username": identity.username.shown,
        "number": number if has_full_number else f"+1********{number[-2:]}",
        "created_on": created_on.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds}Z",
        **admin,
    }
