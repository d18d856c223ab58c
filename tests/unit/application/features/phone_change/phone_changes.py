"""Steps of tests that change phones."""

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    RequestPhoneChangeOtpCommand,
)
from application.otp.log_in import LoggedIn
from application.principal import Principal
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import parse_otp_code
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_phone

OLD = a_phone(1)
NEW = a_phone(2)
OTHER = a_phone(3)


async def request_code(
    app: AppHarness, principal: Principal, phone: PhoneNumber | None = NEW
) -> tuple[str, str]:
    """Request a code for a change, and return it with its request id; None for the old number."""
    command = RequestPhoneChangeOtpCommand(phone=phone, client_ip=CLIENT_IP)
    result = await app.phone_change.request_otp(principal, command)
    return app.last_code, result.request_id


def make_command(
    code: tuple[str, str], old: tuple[str, str] | None, phone: PhoneNumber = NEW
) -> ChangePhoneCommand:
    return ChangePhoneCommand(
        phone=phone,
        code=parse_otp_code(code[0]),
        request_id=code[1],
        client_ip=CLIENT_IP,
        old_code=parse_otp_code(old[0]) if old else None,
        old_request_id=old[1] if old else None,
    )


async def request_codes(
    app: AppHarness, principal: Principal, phone: PhoneNumber = NEW
) -> ChangePhoneCommand:
    """Request the codes of both numbers, and return the command with them."""
    old = await request_code(app, principal, None)
    return make_command(await request_code(app, principal, phone), old, phone)


async def change_phone(app: AppHarness, principal: Principal, phone: PhoneNumber = NEW) -> Identity:
    """Request the codes of both numbers, and change the phone."""
    return await app.phone_change.change_phone(
        principal, await request_codes(app, principal, phone)
    )


async def sign_in(app: AppHarness, phone: PhoneNumber, *, minutes: int = 60) -> Principal:
    """Sign in when that is allowed. A minute later a login before it is still fresh."""
    app.advance(minutes=minutes)
    await app.request_otp(phone)
    result = await app.verify_otp(app.last_code, phone)
    assert isinstance(result, LoggedIn), result
    return await app.identities.authenticate(result.tokens.access_token)


def record_of(app: AppHarness, phone: PhoneNumber) -> PhoneVerification:
    return app.database.phone_verifications[phone].value


def identity_of(app: AppHarness, principal: Principal) -> Identity:
    return app.database.identities[principal.identity.id].value


def notified(app: AppHarness) -> list[PhoneNumber]:
    """Return the numbers that were told that an account has another one, in their order."""
    return [
        message.phone
        for message in app.messenger.messages
        if message.text.startswith(f"{PhoneNotice.PHONE_CHANGED} ")
    ]
