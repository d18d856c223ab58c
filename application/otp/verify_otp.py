"""Verify a one-time code."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from application.identities.events import LoginRejectedByHook
from application.identities.login import LoggedIn, LogIn, LogInCommand
from application.identities.login_decision import LoginRejection
from application.identities.phone_holds import PhoneHolds
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.otp.events import FixedOtpUsed, OtpVerificationFailed
from application.ports.security_events import SecurityEvents
from domain.errors import LoginRejected, NumberWasChanged
from domain.identities.device_token import DeviceToken
from domain.otp.attempts import Correct, NotApplicable
from domain.otp.challenge import OtpCode
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class VerifyOtpCommand:
    """A code from `client_ip`, with the id of the request that it belongs to or without.

    `with_device_token` says that the client understands device tokens: it gets one.
    `is_legacy` says that it came by the legacy API, which has no request ids.
    """

    phone: PhoneNumber
    code: OtpCode
    client_ip: str
    request_id: str | None = None
    device: str | None = None
    with_refresh: bool = False
    device_token: DeviceToken | None = None
    with_device_token: bool = False
    is_legacy: bool = False


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
    - A phone that its owner changed to another one signs nobody in while it is held.

    What does not depend on each other is sent to the database at the same time, so a login takes
    three sequential round trips, and two more on MongoDB where a limit may be full. After a login
    by a code that was read in a call, two more mark that call.
    """

    check_otp: CheckOtp
    log_in: LogIn
    phone_holds: PhoneHolds
    events: SecurityEvents

    async def __call__(self, command: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        """Verify a code.

        Raises:
            TooManyAttempts: with the later time of the phone's limits and the IP's, and the time
                when a new code can be requested.
            TooManyAttemptsFromIp
            NumberWasChanged: the code is correct, and the phone is held for its previous identity.
            LoginRejected: the code is correct, and the login hook rejected the login.
            ExtensionFailed: the code is correct, and an extension did not return the claims of its
                token. The same request may succeed later.
            PortError: what the login hook raised. It may succeed later, too.
            StorageError
        """
        phone = command.phone
        check = CheckOtpCommand(
            phone=phone,
            code=command.code,
            client_ip=command.client_ip,
            request_id=command.request_id,
            device_token=command.device_token,
        )
        # Without a hook, the identity is loaded together with the write.
        is_asked = self.log_in.extensions.login_hook is not None
        ask = partial(self.log_in.ask_login_hook, phone, command.device) if is_asked else None
        checked = await self.check_otp(check, ask)
        if isinstance(checked.result, NotApplicable):
            if not await self.phone_holds.end_void(phone):
                raise NumberWasChanged
            checked = await self.check_otp(check, ask)
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
        """Open the session of the code, or repeat the login that did; None without a correct code.

        The request that used the code releases the permits of the deliveries that had it.
        """
        code, attempt = checked.used_code, checked.attempt
        if code is None:
            return None
        login = LogInCommand(
            phone=command.phone,
            code=code,
            now=attempt.now,
            request_id=attempt.request_id,
            client_ip_hash=attempt.client_ip.ip if command.is_legacy else None,
            device=command.device,
            with_refresh=command.with_refresh,
            device_token=command.device_token,
            with_device_token=command.with_device_token,
        )
        if isinstance(checked.result, Correct):
            logged_in, _ = await asyncio.gather(
                self.log_in.open_session(login, checked.identity), self.check_otp.release(checked)
            )
        else:
            logged_in = await self.log_in.open_session(login, is_retry=True)
        if logged_in is None:
            return await self.log_in.repeat(login)  # a parallel request may have opened the session
        if self.check_otp.codes.is_test_phone(command.phone, attempt.now):
            self.events.record(
                FixedOtpUsed(phone=command.phone, user_id=logged_in.identity.id, reason="logged in")
            )
        return logged_in
