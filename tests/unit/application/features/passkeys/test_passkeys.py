"""Passkeys of users: add one, sign in with it, what is rejected, and what ends them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from application.administration.export_files import MissingFiles
from application.administration.operator import operating_system_user, staff_member
from application.features.passkeys.console_session import Browser
from application.features.passkeys.events import (
    PasskeyAdded,
    PasskeyCountFell,
    PasskeyFailed,
    PasskeyLoginSucceeded,
    PasskeyRemoved,
)
from application.features.passkeys.feature import ExportPasskeys
from application.features.passkeys.sign_in import PasskeySignInCommand
from application.identities.additions import AllowLogin, PendingLogin, RejectLogin
from application.identities.events import LoginRejectedByHook, LoginSucceeded
from application.otp.events import BlockedLogin
from application.otp.log_in import LoggedIn
from application.ports.errors import ConcurrencyConflict, StorageUnavailable
from application.principal import Principal
from domain.administration.audit import AuditAction
from domain.errors import (
    AccountBlocked,
    ConflictingValue,
    CountryNotServed,
    Forbidden,
    FreshLoginRequired,
    LoginRejected,
    ReauthenticationRequired,
    TooManyAttemptsFromIp,
    Unauthenticated,
)
from domain.features.blocks import SubjectKind, parse_subject
from domain.features.passkeys import (
    ChallengeNotValid,
    PasskeyExists,
    PasskeyNotFound,
    PasskeyRejected,
    SignCountFell,
    TooManyPasskeys,
    TooManyPasskeysAdded,
)
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS
from domain.identities.role import Role
from domain.identities.session import AuthMethod
from domain.otp.challenge import parse_otp_code
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from entrypoints.features.blocks import BLOCKS
from entrypoints.http.features.passkeys.fields import PasskeyFields
from tests.support.app_harness import PASSKEY_ORIGIN, AppHarness, make_policy
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.builders import CLIENT_IP, a_phone

PHONE: Final = a_phone(2)
OPERATOR: Final = operating_system_user("root")


def a_device(number: int = 0, origin: str = PASSKEY_ORIGIN) -> SoftwareAuthenticator:
    return SoftwareAuthenticator(origin, credential_id=bytes([number] * 16))


async def block(app: AppHarness, kind: SubjectKind, text: str) -> None:
    blocks = BLOCKS.of(app.use_cases)
    await blocks.add(OPERATOR, parse_subject(kind, text), timedelta(hours=1), "flood")


@dataclass
class User:
    """A user with a device, and what one does."""

    app: AppHarness
    principal: Principal
    device: SoftwareAuthenticator = field(default_factory=a_device)

    async def add(
        self, device: SoftwareAuthenticator | None = None, name: str | None = None
    ) -> str:
        """Add a passkey, and return its id."""
        self.app.messenger.arrived.clear()
        await self.authenticate_again()
        made = (device or self.device).create(self.app.app_passkeys.own.start(self.principal))
        return await self.send(made, name)

    async def send(self, made: str, name: str | None = None) -> str:
        own = self.app.app_passkeys.own
        return (await own.add(self.principal, made, name, "Chrome on Android")).id

    async def authenticate_again(self) -> None:
        """Read what the identity has now; the session stays."""
        self.principal = replace(self.principal, identity=self.stored)

    def answer(self, device: SoftwareAuthenticator | None = None) -> str:
        return (device or self.device).get(self.app.app_passkeys.sign_in.start(CLIENT_IP))

    async def send_answer(self, answer: str, **options: Any) -> LoggedIn:
        command = PasskeySignInCommand(response=answer, client_ip=CLIENT_IP, **options)
        return await self.app.app_passkeys.sign_in(command)

    async def sign_in(
        self, passkey: SoftwareAuthenticator | None = None, **options: Any
    ) -> LoggedIn:
        return await self.send_answer(self.answer(passkey), **options)

    async def remove(self, passkey_id: str) -> None:
        await self.authenticate_again()
        await self.app.app_passkeys.own.remove(self.principal, passkey_id)

    @property
    def id(self) -> str:
        return self.principal.identity.id

    @property
    def stored(self) -> Identity:
        return self.app.database.identities[self.principal.identity.id].value

    @property
    def failures(self) -> list[str]:
        return [each.reason for each in self.app.events.of_type(PasskeyFailed)]


async def make_user(**policy: Any) -> User:
    app = AppHarness(policy=make_policy(**policy))
    return User(app, await app.add_user(PHONE))


@pytest.fixture
async def user() -> User:
    """A user without a passkey, who has just signed in by a code."""
    return await make_user()


async def test_a_passkey_signs_in_without_a_message(user: User) -> None:
    passkey_id = await user.add(name="phone")
    (passkey,) = user.stored.passkeys
    assert (passkey.id, passkey.name) == (passkey_id, "phone")
    (added,) = user.app.events.of_type(PasskeyAdded)
    assert (added.user_id, added.passkey_id) == (user.id, passkey_id)
    entry = user.app.database.audit_entries[-1]
    assert (entry.action, entry.actor.id) == (AuditAction.ADD_PASSKEY, user.id)
    await user.app.messenger.arrived.wait()
    assert (PHONE, "passkey_added US") in user.app.messenger.messages
    user.app.advance(days=2)
    before, sent = user.app.database.phone_verifications, len(user.app.messenger.messages)
    user.app.events.recorded.clear()

    logged_in = await user.sign_in(device="Pixel 9")

    assert (logged_in.identity.id, len(user.app.messenger.messages)) == (user.id, sent)
    assert user.app.database.phone_verifications == before
    assert logged_in.tokens.refresh_token is not None
    principal = await user.app.identities.authenticate(logged_in.tokens.access_token)
    assert principal.has_fresh_login
    assert (principal.session.device, principal.session.amr) == ("Pixel 9", (AuthMethod.PASSKEY,))
    assert user.principal.session.amr == (AuthMethod.OTP,)
    assert user.stored.passkeys[0].last_used_at == user.app.clock.now()
    assert user.app.events.types.count(LoginSucceeded) == 0
    (event,) = user.app.events.of_type(PasskeyLoginSucceeded)
    assert (event.name, event.channel) == ("login_succeeded", "passkey")


async def test_options_ask_for_a_discoverable_passkey_of_a_verified_user(user: User) -> None:
    await user.add()
    await user.authenticate_again()
    creation = json.loads(user.app.app_passkeys.own.start(user.principal))
    selection = creation["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert (creation["rp"]["id"], len(creation["excludeCredentials"])) == ("example.org", 1)
    assert PHONE.e164 not in json.dumps(creation)
    assert user.device.user_handle == f"u:{user.id}".encode()
    sign_in = user.app.app_passkeys.sign_in.start(CLIENT_IP)
    for options in (sign_in, user.app.staff_passkeys.sign_in.start()):
        assert json.loads(options)["userVerification"] == "required"


async def test_a_passkey_is_a_recognized_device_that_keeps_its_token(user: User) -> None:
    await user.add()
    first = await user.sign_in()
    again = await user.sign_in(device_token=first.device_token)
    assert first.device_token is not None
    assert again.device_token == first.device_token
    assert len(user.stored.devices) == 2  # that of the code, and this one
    foreign = replace(first.device_token, identity_id="0" * 24)
    assert (await user.sign_in(device_token=foreign)).device_token != foreign


async def test_it_is_added_and_removed_only_within_15_minutes_of_a_login(user: User) -> None:
    passkey_id = await user.add()
    user.app.advance(minutes=15)
    old = await user.app.identities.authenticate(await user.app.access_token(PHONE))
    user.app.advance(minutes=15)
    late = replace(old, has_fresh_login=False)
    own = user.app.app_passkeys.own
    with pytest.raises(FreshLoginRequired):
        own.start(late)
    for act in (own.add(late, "{}", None, None), own.remove(late, passkey_id)):
        with pytest.raises(FreshLoginRequired):
            await act
    signed_in = await user.sign_in()
    user.principal = await user.app.identities.authenticate(signed_in.tokens.access_token)
    await user.add(a_device(1))
    await user.remove(passkey_id)
    assert len(user.stored.passkeys) == 1


async def test_a_removed_passkey_signs_nobody_in_and_its_number_is_told(user: User) -> None:
    passkey_id = await user.add()
    await user.app.messenger.arrived.wait()
    with pytest.raises(PasskeyNotFound):
        await user.remove("0" * 16)
    user.app.messenger.arrived.clear()
    await user.remove(passkey_id)
    (removed,) = user.app.events.of_type(PasskeyRemoved)
    assert (removed.passkey_id, removed.reason) == (passkey_id, "by the owner")
    assert user.app.database.audit_entries[-1].action is AuditAction.REMOVE_PASSKEY
    await user.app.messenger.arrived.wait()
    assert (PHONE, "passkey_removed US") in user.app.messenger.messages
    with pytest.raises(PasskeyRejected):
        await user.sign_in()
    assert user.failures == ["unknown passkey"]


async def test_names_are_those_of_devices_and_no_two_are_the_same(user: User) -> None:
    await user.add()
    await user.add(a_device(1))
    names = ["Chrome on Android", "Chrome on Android 2"]
    assert [each.name for each in user.stored.passkeys] == names
    with pytest.raises(ConflictingValue):
        await user.add(a_device(2), "Chrome on Android")
    with pytest.raises(PasskeyExists):
        await user.add(a_device(1), "again")


async def test_there_are_ten(user: User) -> None:
    for number in range(MAX_PASSKEYS):
        if number % 2 == 0:
            user.principal = await user.app.log_in(PHONE)
        await user.add(a_device(number))
        user.app.advance(hours=1)
    user.principal = await user.app.log_in(PHONE)
    with pytest.raises(TooManyPasskeys):
        await user.add(a_device(10))


def told(user: User) -> list[str]:
    """Return the messages about passkeys that the number got."""
    texts = [str(message.text) for message in user.app.messenger.messages]
    return [text.partition(" ")[0] for text in texts if "passkey" in text]


async def sign_in_anew(user: User) -> None:
    """Open another session a little later."""
    user.app.advance(minutes=20)
    await user.app.request_otp(PHONE)
    logged_in = await user.app.verify_otp(user.app.last_code, PHONE)
    assert isinstance(logged_in, LoggedIn)
    user.principal = await user.app.identities.authenticate(logged_in.tokens.access_token)


async def test_a_session_adds_two_a_day_and_an_account_four(user: User) -> None:
    for number in range(4):
        if number == 2:
            with pytest.raises(TooManyPasskeysAdded) as of_session:
                await user.add(a_device(number))
            assert (of_session.value.limit, of_session.value.retry_after > 3600) == (
                "per_session",
                True,
            )
            await sign_in_anew(user)
        await user.add(a_device(number))
    await sign_in_anew(user)
    with pytest.raises(TooManyPasskeysAdded) as of_account:
        await user.add(a_device(5))
    assert of_account.value.limit == "per_identity"
    assert len(user.stored.passkeys) == 4


async def test_the_number_is_told_six_times_a_day_and_a_removal_goes_on_without(
    user: User,
) -> None:
    ids = [await user.add(a_device(number)) for number in range(2)]
    await sign_in_anew(user)
    ids += [await user.add(a_device(number)) for number in range(2, 4)]
    for passkey_id in ids:
        user.app.messenger.arrived.clear()
        await user.remove(passkey_id)
        await asyncio.sleep(0)
    assert told(user) == ["passkey_added"] * 4 + ["passkey_removed"] * 2
    left_out = [each.message_left_out for each in user.app.events.of_type(PasskeyRemoved)]
    assert left_out == ["", "", "per_identity", "per_identity"]
    assert not user.stored.passkeys


async def test_codes_and_messages_about_passkeys_never_keep_each_other_back() -> None:
    one_an_hour = SlidingWindow(20, timedelta(hours=1))
    user = await make_user(
        rate_limits=RateLimits(per_country=one_an_hour, total=one_an_hour, all_deliveries_factor=1)
    )
    passkey_id = await user.add()  # 5 % of 20: one an hour
    with pytest.raises(TooManyPasskeysAdded) as raised:
        await user.add(a_device(1))
    assert raised.value.limit == "notices_total"
    await user.remove(passkey_id)
    (removed,) = user.app.events.of_type(PasskeyRemoved)
    assert removed.message_left_out == "notices_total"
    await user.app.request_otp(a_phone(3), client_ip="192.0.2.1")
    assert user.app.database.permits["total:deliveries:all"] == 2  # and the login
    assert user.app.database.permits["total:notices:notices"] == 1


async def test_while_the_number_is_blocked_none_is_added_and_no_removal_is_told(
    user: User,
) -> None:
    passkey_id = await user.add()
    await user.app.messenger.arrived.wait()
    sent = len(user.app.messenger.messages)
    await block(user.app, SubjectKind.COUNTRY, "US")
    with pytest.raises(CountryNotServed):
        await user.add(a_device(1))
    await user.remove(passkey_id)
    (removed,) = user.app.events.of_type(PasskeyRemoved)
    assert removed.message_left_out == "block_country"
    await user.app.move_phone(user.id, a_phone(9))
    assert [message.text for message in user.app.messenger.messages[sent:]] == ["phone_changed US"]


async def test_permits_are_given_back_if_nothing_was_added(user: User) -> None:
    async def lose() -> None:
        raise ConcurrencyConflict("others were faster")

    for number in range(3):
        user.app.faults.run_before("identities.replace", lose)
        with pytest.raises(ConcurrencyConflict):
            await user.add(a_device(number))
    for number in range(3, 5):
        await user.add(a_device(number))


async def test_a_removal_goes_on_where_limits_cannot_be_read(user: User) -> None:
    passkey_id = await user.add()
    user.app.faults.fail_on("limit_store.acquire")
    await user.remove(passkey_id)
    (removed,) = user.app.events.of_type(PasskeyRemoved)
    assert removed.message_left_out == "limits_not_read"


async def test_a_number_with_a_test_code_has_none() -> None:
    fixed_codes = FixedCodes((FixedCode(PHONE, parse_otp_code("123456")),))
    user = await make_user()
    await user.add()
    user.app.app_passkeys.own = replace(user.app.app_passkeys.own, fixed_codes=fixed_codes)
    user.app.app_passkeys.sign_in = replace(user.app.app_passkeys.sign_in, fixed_codes=fixed_codes)
    with pytest.raises(Forbidden):
        user.app.app_passkeys.own.start(user.principal)
    with pytest.raises(PasskeyRejected):
        await user.sign_in()


async def test_a_challenge_is_for_its_session_once_and_for_five_minutes(user: User) -> None:
    own, other = user.app.app_passkeys.own, await user.app.log_in(PHONE)
    made = user.device.create(own.start(other))
    with pytest.raises(ChallengeNotValid):  # of another session
        await user.send(made)
    stranger = User(user.app, await user.app.add_user(a_phone(3), "Priya"))
    with pytest.raises(ChallengeNotValid):  # of somebody else
        await stranger.send(user.device.create(own.start(user.principal)))
    made = user.device.create(own.start(user.principal))
    await user.send(made)
    with pytest.raises(ChallengeNotValid):
        await user.send(made, "again")
    with pytest.raises(ChallengeNotValid):  # made for something else
        await user.send_answer(user.device.get(user.app.staff_passkeys.sign_in.start()))
    forged = json.dumps({"challenge": "A" * 75, "rpId": "example.org"})
    answer = user.answer()
    user.app.advance(minutes=5)
    for sent in (answer, user.device.get(forged)):
        with pytest.raises(ChallengeNotValid):
            await user.send_answer(sent)


async def test_an_answer_signs_in_once_also_if_it_comes_twice_at_once(user: User) -> None:
    await user.add()
    answer = user.answer()
    sent = (user.send_answer(answer) for _ in range(4))
    results = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(each) for each in results].count(ChallengeNotValid) == 3
    assert len(user.stored.sessions) == 2


async def test_a_session_that_ended_meanwhile_adds_none(user: User) -> None:
    made = user.device.create(user.app.app_passkeys.own.start(user.principal))
    await user.app.identities.logout(user.principal)
    with pytest.raises(Unauthenticated):
        await user.send(made)
    assert not user.stored.passkeys


Act = Callable[[User], Awaitable[object]]


def changed_device(**changes: Any) -> Act:
    return lambda user: user.sign_in(replace(user.device, **changes))


REJECTED: Final[dict[str, tuple[Act, str]]] = {
    "no user verification": (changed_device(verifies_user=False), "not verified: Invalid"),
    "another origin": (changed_device(origin="https://example.com"), "not verified: Invalid"),
    "frame of another site": (changed_device(is_framed=True), "not verified: it was asked for"),
    "another key": (changed_device(key=a_device().key), "not verified: Invalid"),
    "unknown passkey": (changed_device(credential_id=b"?"), "unknown passkey"),
    "nobody": (changed_device(user_handle=b"u:" + b"0" * 24), "nobody has it"),
    "handle of the staff": (
        lambda user: user.sign_in(replace(user.device, user_handle=user.id.encode())),
        "nobody has it",
    ),
    "no text": (changed_device(user_handle=b"\xff"), "the response cannot be read: Unicode"),
    "no answer": (lambda user: user.send_answer("{}"), "the response cannot be read"),
    "long": (lambda user: user.send_answer(" " * 16_385), "the response cannot be read: it is too"),
}


@pytest.mark.parametrize(("act", "reason"), REJECTED.values(), ids=REJECTED)
async def test_strangers_are_not_told_why_they_are_rejected(
    user: User, act: Act, reason: str
) -> None:
    await user.add()
    with pytest.raises(PasskeyRejected) as caught:
        await act(user)
    assert caught.value.message == ""
    assert user.failures[0].startswith(reason)


async def test_a_count_that_fell_is_an_error_with_an_event(user: User) -> None:
    await user.add()
    await user.sign_in()
    user.device.sign_count -= 1
    with pytest.raises(SignCountFell):
        await user.sign_in()
    assert user.app.events.of_type(PasskeyCountFell)[0].user_id == user.id
    assert len(user.stored.sessions) == 2


async def test_attempts_of_an_ip_are_limited_and_a_right_answer_is_given_back() -> None:
    user = await make_user(
        rate_limits=RateLimits(verifications_per_ip=SlidingWindow(2, timedelta(hours=1)))
    )
    await user.add()
    for _ in range(4):
        await user.sign_in()
    for _ in range(2):
        with pytest.raises(PasskeyRejected):
            await user.send_answer("{}")
    with pytest.raises(TooManyAttemptsFromIp):
        await user.sign_in()


async def test_a_blocked_network_signs_nobody_in(user: User) -> None:
    await user.add()
    answer = user.answer()
    await block(user.app, SubjectKind.NETWORK, "203.0.113.0/24")
    with pytest.raises(TooManyAttemptsFromIp):
        await user.send_answer(answer)
    with pytest.raises(TooManyAttemptsFromIp):
        user.app.app_passkeys.sign_in.start(CLIENT_IP)


async def test_that_an_account_is_blocked_is_told_after_a_right_answer_only(user: User) -> None:
    await user.add()
    await user.app.identities.operator_actions.block(PHONE)
    with pytest.raises(PasskeyRejected):
        await user.sign_in(replace(user.device, key=a_device().key))
    with pytest.raises(AccountBlocked):
        await user.sign_in()
    (event,) = user.app.events.of_type(BlockedLogin)
    assert event.channel == "passkey"
    assert not user.stored.sessions
    await user.app.identities.operator_actions.unblock(PHONE)
    await user.sign_in()


async def test_the_login_hook_decides_about_a_right_answer(user: User) -> None:
    await user.add()
    asked = list[PendingLogin]()
    decisions: list[AllowLogin | RejectLogin] = [RejectLogin("Not you."), AllowLogin({"a": 1})]

    async def ask(login: PendingLogin) -> AllowLogin | RejectLogin:
        asked.append(login)
        return decisions.pop(0)

    user.app = user.app.adding(login_hook=ask)
    with pytest.raises(PasskeyRejected):
        await user.sign_in(replace(user.device, key=a_device().key))
    with pytest.raises(LoginRejected, match="Not you"):
        await user.sign_in()
    assert user.app.events.of_type(LoginRejectedByHook)[0].channel == "passkey"
    await user.sign_in()
    assert user.stored.sessions[-1].claims == '{"a":1}'
    assert {(login.channel, login.is_device_recognized) for login in asked} == {("passkey", True)}
    assert len({login.challenge_id for login in asked}) == 2


async def test_a_role_counts_for_nothing_in_a_session_by_passkey(user: User) -> None:
    await user.add()
    await user.app.identities.operator_actions.change_role(user.id, Role.ADMINISTRATOR)
    assert user.stored.passkeys, "a promotion keeps them"
    signed_in = await user.sign_in()
    principal = await user.app.identities.authenticate(signed_in.tokens.access_token)
    with pytest.raises(ReauthenticationRequired):
        staff_member(principal)
    assert not principal.viewer.is_administrator
    staff_member(await user.app.log_in(PHONE))
    options = user.app.staff_passkeys.sign_in.start()
    with pytest.raises(PasskeyRejected):
        await user.app.staff_passkeys.sign_in(user.device.get(options), "", Browser(None))
    assert not user.app.use_cases.additions.needs_passkey(user.stored)


ENDS: Final[dict[str, Act]] = {
    "deletion": lambda user: user.app.identities.delete_user(user.principal),
    "detach": lambda user: user.app.identities.operator_actions.detach(user.id),
    "change by an operator": lambda user: user.app.move_phone(user.id, a_phone(9)),
    "command": lambda user: user.app.passkeys.remove_of_user(OPERATOR, user.id, None, "lost"),
}


@pytest.mark.parametrize("act", ENDS.values(), ids=ENDS)
async def test_what_ends_passkeys(user: User, act: Act) -> None:
    await user.add()
    await act(user)
    assert not user.stored.passkeys
    with pytest.raises(PasskeyRejected):
        await user.sign_in()


async def test_the_number_is_told_of_a_removal_by_an_operator_and_no_console_ends(
    user: User,
) -> None:
    await user.add()
    await user.app.identities.operator_actions.change_role(user.id, Role.SUPPORT)
    sessions = user.stored.sessions
    await user.app.passkeys.remove_of_user(OPERATOR, user.id, None, "lost")
    assert (PHONE, "passkey_removed US") in user.app.messenger.messages
    assert user.stored.sessions == sessions


async def test_passkeys_are_shown_and_exported_without_their_keys(user: User) -> None:
    await user.add(name="phone")
    details = await user.app.user_details.show_user(OPERATOR, user.id, "a look")
    assert [each.name for each in PasskeyFields.of(details).passkeys] == ["phone"]
    part = ExportPasskeys()
    identity = user.stored
    await part.check(identity)
    files = {
        file.name: json.loads(b"".join([chunk async for chunk in file.chunks]))
        async for file in part(identity, user.app.clock.now(), MissingFiles())
    }
    (exported,) = files["passkeys.json"]
    assert {*exported} == {"id", "name", "created_at", "last_used_at", "sign_count", "is_staff"}


async def test_without_the_database_nothing_is_said_to_be_wrong(user: User) -> None:
    await user.add()
    user.app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await user.sign_in()
