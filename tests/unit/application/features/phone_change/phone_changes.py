"""Steps of tests that change phones."""

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    RequestPhoneChangeOtpCommand,
)
from application.features.phone_change.undo_phone_change import UndoPhoneChangeCommand
from application.otp.log_in import LoggedIn
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.principal import Principal
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose, parse_otp_code
from domain.otp.delivery import Channel
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TestOtps
from domain.otp.undo_code import UndoCode, parse_undo_code
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, make_policy
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
    code: tuple[str, str], old: tuple[str, str] | None = None, phone: PhoneNumber = NEW
) -> ChangePhoneCommand:
    return ChangePhoneCommand(
        phone=phone,
        code=parse_otp_code(code[0]),
        request_id=code[1],
        client_ip=CLIENT_IP,
        old_code=parse_otp_code(old[0]) if old else None,
        old_request_id=old[1] if old else None,
    )


async def change_phone(
    app: AppHarness, principal: Principal, phone: PhoneNumber = NEW, *, with_old: bool = False
) -> Identity:
    """Request the codes, and change the phone."""
    old = await request_code(app, principal, None) if with_old else None
    code = await request_code(app, principal, phone)
    return await app.phone_change.change_phone(principal, make_command(code, old, phone))


async def add_user_with_new_number(app: AppHarness) -> Principal:
    """Add a user, and change the old number to the new one."""
    user = await app.add_user(OLD)
    await change_phone(app, user)
    return user


async def request_undo_code(
    app: AppHarness, phone: PhoneNumber = OLD, client_ip: str = CLIENT_IP
) -> RequestOtpResult:
    return await app.otp.request_otp(
        RequestOtpCommand(phone, client_ip, Channel.SMS, purpose=Purpose.UNDO_PHONE_CHANGE)
    )


def make_undo(code: str, request_id: str, phone: PhoneNumber = OLD) -> UndoPhoneChangeCommand:
    return UndoPhoneChangeCommand(
        phone=phone, code=parse_otp_code(code), request_id=request_id, client_ip=CLIENT_IP
    )


async def undo(app: AppHarness, phone: PhoneNumber = OLD) -> None:
    """Request the code when that is allowed, and undo the change."""
    app.advance(hours=1)
    result = await request_undo_code(app, phone)
    await app.phone_change.undo(make_undo(app.last_code, result.request_id, phone))


async def sign_in(app: AppHarness, phone: PhoneNumber, *, minutes: int = 60) -> Principal:
    """Sign in when that is allowed. A minute later a login before it is still fresh."""
    app.advance(minutes=minutes)
    await app.request_otp(phone)
    result = await app.verify_otp(app.last_code, phone)
    assert isinstance(result, LoggedIn), result
    return await app.identities.authenticate(result.tokens.access_token)


def with_test_otps(app: AppHarness, test_otps: TestOtps) -> AppHarness:
    """Return the same service after a restart with these test OTPs."""
    return AppHarness(
        faults=app.faults,
        database=app.database,
        messenger=app.messenger,
        clock=app.clock,
        randomness=app.randomness,
        policy=make_policy(test_otps=test_otps),
    )


def record_of(app: AppHarness, phone: PhoneNumber) -> PhoneVerification:
    return app.database.phone_verifications[phone].value


def identity_of(app: AppHarness, principal: Principal) -> Identity:
    return app.database.identities[principal.identity.id].value


def codes_of(app: AppHarness, phone: PhoneNumber = OLD) -> list[UndoCode]:
    """The undo codes in the messages to a number."""
    texts = [message.text for message in app.messenger.messages if message.phone == phone]
    notices = [text for text in texts if text.startswith(f"{PhoneNotice.PHONE_CHANGED} ")]
    return [parse_undo_code(text.rpartition(" ")[2]) for text in notices]
