"""Verifications on all databases: parallel ones, and codes of another purpose."""

import asyncio
from collections import Counter

import pytest

from application.features.phone_change.change_phone import (
    ChangePhoneCommand,
    RequestPhoneChangeOtpCommand,
)
from application.features.verifications import VerificationStatus
from application.otp.log_in import LoggedIn, OtpRejected
from application.otp.request_otp import RequestOtpResult
from domain.errors import IncorrectOtp, TooManyOtpRequests
from domain.otp.challenge import parse_otp_code
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.repositories import OpenRepositories
from tests.support.verifications import VerificationDriver

PARALLEL = 40


async def test_forty_parallel_verifications_send_one_message_and_approve_one_id(
    repositories: OpenRepositories,
) -> None:
    app = AppHarness(repositories=repositories)
    driver = VerificationDriver(app)
    results = await asyncio.gather(
        *(driver.request() for _ in range(PARALLEL)), return_exceptions=True
    )
    requested = [each for each in results if isinstance(each, RequestOtpResult)]
    assert Counter(each.sent for each in requested) == {True: 1, False: 3}
    assert [type(each) for each in results].count(TooManyOtpRequests) == PARALLEL - 4
    assert len(app.messenger.messages) == 1
    ids = [each.request_id for each in requested]
    checked = await asyncio.gather(
        *(driver.check(app.last_code, ids[number % 4]) for number in range(PARALLEL))
    )
    approved = {
        ids[number % 4]
        for number, each in enumerate(checked)
        if each.status is VerificationStatus.APPROVED
    }
    assert len(approved) == 1
    assert Counter(each.status for each in checked)[VerificationStatus.APPROVED] == PARALLEL // 4


async def test_a_code_of_a_verification_changes_no_number(repositories: OpenRepositories) -> None:
    app = AppHarness(repositories=repositories)
    driver, new = VerificationDriver(app), a_phone(2)
    principal = await app.add_user()
    asked = RequestPhoneChangeOtpCommand(phone=None, client_ip=CLIENT_IP)
    old = await app.phone_change.request_otp(principal, asked)
    old_code = parse_otp_code(app.last_code)
    requested = await driver.request(new)
    command = ChangePhoneCommand(
        phone=new,
        code=parse_otp_code(app.last_code),
        request_id=requested.request_id,
        client_ip=CLIENT_IP,
        old_code=old_code,
        old_request_id=old.request_id,
    )
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(principal, command)
    approved = await driver.check(app.last_code, requested.request_id, new)
    assert approved.status is VerificationStatus.APPROVED


async def test_codes_for_a_sign_in_and_for_a_verification_are_not_those_of_the_other(
    repositories: OpenRepositories,
) -> None:
    app = AppHarness(repositories=repositories)
    driver, other = VerificationDriver(app), VerificationDriver(app, 2)
    sign_in = await app.request_otp()
    of_sign_in = app.last_code
    app.advance(minutes=1)
    requested = await driver.request()
    of_verification = app.last_code
    assert (await driver.check(of_sign_in, sign_in.request_id)).status is VerificationStatus.EXPIRED
    found = await other.check(of_verification, requested.request_id)
    assert found.status is VerificationStatus.EXPIRED
    for request_id in (None, requested.request_id):
        rejected = await app.verify_otp(of_verification, request_id=request_id)
        assert isinstance(rejected, OtpRejected)
    approved = await driver.check(of_verification, requested.request_id)
    assert approved.status is VerificationStatus.APPROVED
    assert isinstance(await app.verify_otp(of_sign_in), LoggedIn)
