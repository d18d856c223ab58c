"""A model of accounts whose numbers change. All times are seconds."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from tests.stateful.users_model import TOKEN_TTL, add_session

DAY: Final = 24 * 60 * 60
UNDO_PERIOD: Final = 7 * DAY
FRESH_LOGIN: Final = 15 * 60


class Outcome(Enum):
    """What a request leads to: a status and a code."""

    DONE = (200, None)
    DELETED = (204, None)
    REJECTED = (200, "rejected")
    UNAUTHENTICATED = (401, "unauthenticated")
    FORBIDDEN = (403, "phone_change_forbidden")
    PHONE_IN_USE = (409, "phone_in_use")
    NUMBER_WAS_CHANGED = (409, "number_was_changed")
    UNDO_NOT_POSSIBLE = (409, "undo_not_possible")


@dataclass
class ModelAccount:
    """An account with its number, and its sessions: each token and when it was issued."""

    number: int
    id: str | None = None
    is_deleted: bool = False
    sessions: dict[str, float] = field(default_factory=dict)
    allowed_at: float = 0


@dataclass(frozen=True)
class ModelHold:
    """A number that its former account may get back."""

    account: int
    changed_at: float
    order: int


@dataclass
class PhoneChangeModel:
    """All accounts, by their index, and the holds of numbers."""

    accounts: list[ModelAccount] = field(default_factory=list)
    holds: dict[int, ModelHold] = field(default_factory=dict)
    changes: int = 0

    def find_owner(self, number: int) -> int | None:
        """Return the account that has a number."""
        for index, account in enumerate(self.accounts):
            if account.number == number and not account.is_deleted:
                return index
        return None

    def find_hold(self, number: int, now: float) -> ModelHold | None:
        """Return the hold of a number, if it is valid."""
        hold = self.holds.get(number)
        if hold is None or self.accounts[hold.account].is_deleted:
            return None
        return hold if now < hold.changed_at + UNDO_PERIOD else None

    def find_session(self, token: str, now: float) -> int | None:
        """Return the account of an active session's token."""
        for index, account in enumerate(self.accounts):
            if token in account.sessions and now - account.sessions[token] < TOKEN_TTL:
                return index
        return None

    def is_fresh(self, token: str, now: float) -> bool:
        """Return whether a token is of a login within the last 15 minutes."""
        account = self.find_session(token, now)
        return account is not None and now - self.accounts[account].sessions[token] < FRESH_LOGIN

    def sign_in(self, number: int, token: str | None, now: float) -> Outcome:
        """Sign in with the right code; `token` is what the response has."""
        if self.find_hold(number, now):
            return Outcome.NUMBER_WAS_CHANGED
        if token is None:
            return Outcome.REJECTED
        owner = self.find_owner(number)
        if owner is None:
            owner = len(self.accounts)
            self.accounts.append(ModelAccount(number))
        account = self.accounts[owner]
        account.sessions = add_session(account.sessions, token, now)
        return Outcome.DONE

    def change(self, token: str, number: int, now: float, *, with_old: bool) -> Outcome:
        """Change the number of the token's account, with the right codes."""
        index = self.find_session(token, now)
        if index is None:
            return Outcome.UNAUTHENTICATED
        account = self.accounts[index]
        if now < account.allowed_at:
            return Outcome.FORBIDDEN
        hold = self.find_hold(number, now)
        if self.find_owner(number) is not None or (hold and hold.account != index):
            return Outcome.PHONE_IN_USE
        self.changes += 1
        self.holds.pop(number, None)
        if not with_old:
            self.holds[account.number] = ModelHold(index, now, self.changes)
        account.number = number
        account.sessions = {token: account.sessions[token]}
        return Outcome.DONE

    def undo(self, number: int, now: float) -> Outcome:
        """Give a number back to its former account, and end the holds of its later changes."""
        hold = self.find_hold(number, now)
        if hold is None:
            return Outcome.UNDO_NOT_POSSIBLE
        account = self.accounts[hold.account]
        account.number, account.sessions, account.allowed_at = number, {}, now + UNDO_PERIOD
        self.holds = {
            held: other
            for held, other in self.holds.items()
            if other.account != hold.account or other.order < hold.order
        }
        return Outcome.DONE

    def delete(self, token: str, now: float) -> Outcome:
        """Delete the account of a token."""
        index = self.find_session(token, now)
        if index is None:
            return Outcome.UNAUTHENTICATED
        self.accounts[index].is_deleted, self.accounts[index].sessions = True, {}
        return Outcome.DELETED
