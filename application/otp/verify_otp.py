"""Verify a one-time code."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from application.identities.events import LoginRejectedByHook
from application.otp.check_otp import CheckedOtp, CheckOtp
from application.otp.events import FixedOtpUsed, OtpVerificationFailed
from application.otp.log_in import LoggedIn, LogIn, VerifyOtpCommand
from application.ports.security_events import SecurityEvents
from domain.errors import LoginRejected
from domain.otp.attempts import LoginRejection
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class OtpRejected:
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Exchange a one-time code for a session (see `CheckOtp`).

    - No login is lost: where the session was not saved, the same client may send the code again.
      Only the request whose write adds the session gets tokens, and the repeats of that request
      (`LogIn.repeat`): they open no second session, release nothing and are no second login.
    - The first correct code of a phone creates its identity. A deleted identity is replaced by a
      new one with a new id.
    - A block between the verification and the session has the same effect as an earlier one.
    - The login hook is asked once for a login, before its code is used (`LogIn.ask_login_hook`).

    What does not depend on each other is sent to the database at the same time, so a login takes
    three sequential round trips, and two more on MongoDB where a limit may be full. After a login
    by a code that was read in a call, two more mark that call.
    """

    check_otp: CheckOtp
    log_in: LogIn
    events: SecurityEvents

    async def __call__(self, command: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        """Verify a code."""
        phone = command.phone
        # Without a hook, the identity is loaded together with the write.
        login_hook = self.log_in.additions.login_hook
        ask = partial(self.log_in.ask_login_hook, login_hook, command) if login_hook else None
        checked = await self.check_otp(command, ask)
        if checked.rejection is not None:
            await self._reject(phone, checked, checked.rejection)
        logged_in = await self._open_session(command, checked)
        if logged_in is not None:
            return logged_in
        left = checked.attempts_left
        self.events.record(OtpVerificationFailed(phone=phone, attempts_left=left))
        return OtpRejected(left)

    async def _reject(
        self, phone: PhoneNumber, checked: CheckedOtp, by: LoginRejection
    ) -> NoReturn:
        await self.check_otp.release(checked)
        self.events.record(LoginRejectedByHook(phone=phone, user_id=by.user_id, reason=by.text))
        raise LoginRejected(by.text)

    async def _open_session(
        self, command: VerifyOtpCommand, checked: CheckedOtp
    ) -> LoggedIn | None:
        """Open the session of the code, or repeat the login that did; None for a wrong code."""
        code, now = checked.used_code, checked.attempt.now
        if code is None:
            return None
        logged_in, _ = await asyncio.gather(
            self.log_in.open_session(command, checked, code), self.check_otp.release(checked)
        )
        if logged_in is None:  # a parallel request may have opened the session
            return await self.log_in.repeat(command, checked, code)
        if self.check_otp.codes.is_test_phone(command.phone, now):
            self.events.record(
                FixedOtpUsed(phone=command.phone, user_id=logged_in.identity.id, reason="logged in")
            )
        return logged_in
