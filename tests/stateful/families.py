"""Both families of paths: how each asks and answers, and what its answers tell.

Reading an answer proves its status and its whole shape; what a family does not tell is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

from domain.phone import PhoneNumber
from tests.stateful.calls import Call, Principal
from tests.stateful.sign_in_model import Asked


@dataclass(frozen=True, slots=True)
class ToldOfAsk:
    """What an ask was told; `may_be` has more than one where the family does not tell which."""

    may_be: tuple[Asked, ...]
    request_id: str | None = None
    expires_in: int | None = None
    again_in: int | None = None


@dataclass(frozen=True, slots=True)
class ToldOfAnswer:
    """What an answer was told: a token, tries that are left, or when to come back."""

    token: str | None = None
    attempts_left: int | None = None
    again_in: int | None = None


class Family(Protocol):
    """One family of paths."""

    has_ids: bool

    def ask(self, phone: PhoneNumber, principal: Principal, extras: Mapping[str, str]) -> Call: ...

    def answer(
        self, phone: PhoneNumber, principal: Principal, code: str, request_id: str | None
    ) -> Call: ...

    def read_ask(self, answer: httpx.Response) -> ToldOfAsk: ...

    def read_answer(self, answer: httpx.Response) -> ToldOfAnswer: ...
