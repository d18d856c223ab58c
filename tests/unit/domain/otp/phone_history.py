"""What can be seen of one phone from outside, and what is true of it whatever clients do.

It knows no cooldown, counter or reset: each rule has a test of its own. Each assertion here is one
promise, and holds for any order of requests. All times are seconds.
"""

from dataclasses import dataclass, field
from typing import Final

Limits = tuple[tuple[int, int], ...]
"""So many messages at most in so many seconds: (seconds, messages)."""

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
CODE_TTL: Final = 5 * MINUTE
RESEND_PERIOD: Final = 4 * MINUTE
"""So long after its first message a code is sent again: it is valid for another minute."""
MIN_INTERVAL: Final = 15
MESSAGES_TO_STRANGERS: Final[Limits] = ((15 * MINUTE, 6), (DAY, 12))
MESSAGES_TO_OWNER: Final[Limits] = ((HOUR, 9),)
"""Of each IP of a login and each device: the six of its network, and three of its own."""
ATTEMPTS_OF_STRANGERS: Final = 120
"""In a day without a login (docs/abuse.md)."""


@dataclass(frozen=True)
class Client:
    """Who sends requests: an IP, perhaps with the token of a device."""

    ip: str
    device_id: str | None = None


@dataclass(frozen=True)
class Message:
    """A message with a code. `is_of_owner`: its client logged in before."""

    code: str
    sent_at: float
    client: Client
    is_of_owner: bool
    request_id: str | None = None


@dataclass(frozen=True)
class CodeUse:
    """The use of a code."""

    code: str
    used_at: float
    client: Client
    request_id: str | None = None


@dataclass
class PhoneHistory:
    """The messages, logins and checked attempts of a phone. Codes of other messages differ.

    `ids` are all request ids that clients got, also those of requests that caused no message.
    """

    messages: list[Message] = field(default_factory=list)
    logins: list[CodeUse] = field(default_factory=list)
    attempts_of_strangers: list[float] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    failed_ids: set[str] = field(default_factory=set)
    is_blocked: bool = False

    @property
    def codes(self) -> list[str]:
        """The codes of the latest messages."""
        return [*dict.fromkeys(message.code for message in self.messages)][-4:]

    def ids_of_other_codes(self, code: str) -> list[str]:
        """Return the request ids of messages with other codes."""
        others = [message for message in self.messages if message.code != code]
        return [message.request_id for message in others if message.request_id]

    def is_owner(self, client: Client) -> bool:
        """Return whether the client may count as one that logged in before."""
        logged_in = {login.client.ip for login in self.logins}
        return client.ip in logged_in or (client.device_id is not None and bool(self.logins))

    def has_login_within(self, seconds: float, client: Client, now: float) -> bool:
        """Return whether somebody logged in from this IP less than so many seconds ago."""
        times = [login.used_at for login in self.logins if login.client.ip == client.ip]
        return any(now - used_at < seconds for used_at in times)

    def is_active(self, code: str, now: float) -> bool:
        """Return whether a message had the code in the last five minutes, and nobody used it."""
        sent = [message.sent_at for message in self.messages if message.code == code]
        is_used = any(login.code == code for login in self.logins)
        return bool(sent) and now - sent[0] < CODE_TTL and not is_used

    def add_message(self, message: Message) -> None:
        """Add a message that was sent."""
        now, last_login = message.sent_at, max((each.used_at for each in self.logins), default=-1)
        first = next((each for each in self.messages if each.code == message.code), message)
        assert now - first.sent_at <= RESEND_PERIOD, "a code is sent again for four minutes"
        assert first is message or self.is_active(message.code, now), "a used code is not sent"
        self.messages.append(message)
        earlier = self.messages[:-1]
        assert all(
            now - each.sent_at >= MIN_INTERVAL or each.sent_at <= last_login for each in earlier
        ), "two messages have 15 seconds between them, or a login"
        if message.is_of_owner:
            limits = MESSAGES_TO_OWNER
            counted = [each for each in [*earlier, message] if each.client == message.client]
        else:
            limits = MESSAGES_TO_STRANGERS
            counted = [each for each in [*earlier, message] if not each.is_of_owner]
        for period, limit in limits:
            recent = [each for each in counted if now - each.sent_at < period]
            assert len(recent) <= limit, f"at most {limit} messages in {period} seconds"

    def remove_message(self, message: Message) -> None:
        """Forget a message that every provider rejected: it was not sent."""
        self.messages.remove(message)

    def add_login(self, login: CodeUse) -> None:
        """Add a login with a correct code."""
        assert not self.is_blocked, "nobody logs in while the phone is blocked"
        assert self.is_active(login.code, login.used_at), "a code is valid once, for five minutes"
        is_own = login.request_id not in self.ids_of_other_codes(login.code)
        assert is_own, "with an id only the code of its message is correct"
        assert login.request_id in {None, *self.ids}, "with an unknown id no code is correct"
        self.logins.append(login)
        self.attempts_of_strangers.clear()

    def check_repeated_login(self, login: CodeUse) -> None:
        """Check that a client may get the login of a used code again."""
        assert not self.is_blocked, "nobody logs in while the phone is blocked"
        used = [each.request_id for each in self.logins if each.code == login.code]
        assert used, "only a used code is repeated"
        is_same_request = login.request_id is not None and login.request_id in used
        assert is_same_request or self.is_owner(login.client), "only its client repeats a code"

    def add_failure(self, failed: CodeUse, *, is_counted: bool = True) -> None:
        """Add an attempt that was checked, and opened no session."""
        assert not self.must_be_accepted(failed), "a correct code with its own id is accepted"
        if failed.request_id is not None:
            self.failed_ids.add(failed.request_id)
        is_challenged = any(self.is_active(code, failed.used_at) for code in self.codes)
        if is_counted and is_challenged and not self.is_owner(failed.client):
            self.attempts_of_strangers.append(failed.used_at)
            recent = [time for time in self.attempts_of_strangers if failed.used_at - time < DAY]
            assert len(recent) <= ATTEMPTS_OF_STRANGERS, "strangers have few attempts in a day"

    def must_be_accepted(self, attempt: CodeUse) -> bool:
        """Return whether it has the id of a message that nobody failed with, and its code."""
        is_of_message = any(
            (message.request_id, message.code) == (attempt.request_id, attempt.code)
            for message in self.messages
            if message.request_id is not None
        )
        is_first = attempt.request_id not in self.failed_ids
        is_possible = self.is_active(attempt.code, attempt.used_at) and not self.is_blocked
        return is_of_message and is_first and is_possible
