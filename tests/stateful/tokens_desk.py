"""What is done with tokens, and what operators do, to the service and to the model."""

from dataclasses import dataclass, field

from tests.stateful.calls import Call
from tests.stateful.served import Served
from tests.stateful.sign_in_model import Line


@dataclass
class TokensDesk:
    """The service, and every token that was ever given, with the line whose it was."""

    served: Served
    shown: list[tuple[Line, str]] = field(default_factory=list)

    def show(self, line: Line, token: str) -> None:
        """Show a token."""
        answer = self.served.answer(Call("GET", "/users/me", token=token))
        if line.is_on(token, self.served.now):
            assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"

    def show_all(self) -> None:
        """Show every token that was ever given."""
        for line, token in self.shown:
            self.show(line, token)

    def logout(self, line: Line, token: str) -> None:
        """Sign out with a token, or find that it is of no use any more."""
        is_on = line.is_on(token, self.served.now)
        answer = self.served.answer(Call("POST", "/auth/logout", token=token))
        assert answer.status_code == (204 if is_on else 401)
        if is_on:
            line.logout(token)
        self.show_all()

    def leave(self, line: Line, token: str) -> None:
        """Delete the identity of a token, which resets nothing of its phone's."""
        is_on = line.is_on(token, self.served.now)
        answer = self.served.answer(Call("DELETE", "/users/me", token=token))
        assert answer.status_code == (204 if is_on else 401)
        if is_on:
            line.end_all()
        self.show_all()

    # Operators

    def block(self, line: Line) -> None:
        """Block a phone."""
        self.served.run(self.served.use_cases.block_phone(line.phone))
        line.block()
        self.show_all()

    def unblock(self, line: Line) -> None:
        """Unblock it; what has ended stays so."""
        self.served.run(self.served.use_cases.unblock_phone(line.phone))
        line.unblock()
        self.show_all()

    def cleanup(self) -> None:
        """Sweep, which nobody notices."""
        self.served.run(self.served.use_cases.cleanup())
