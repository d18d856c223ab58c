"""A user gets another number, by an operator or by codes of both; the former one is told."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.administration.operator import Operator
from application.administration.user_acts import ActCall
from application.features.phone_change.change_phone import (
    OldOtpRequired,
    RequestPhoneChangeOtpCommand,
)
from application.features.phone_change.change_phone_of_user import CHANGE_PHONE
from application.features.phone_change.complete import PhoneChanged
from application.otp.events import PhoneNoticeSent
from application.otp.log_in import LoggedIn, OtpRejected
from application.ports.errors import ConcurrencyConflict
from domain.administration.audit import ActorKind, AuditAction
from domain.administration.scopes import Scope
from domain.errors import (
    ConflictingValue,
    CountryNotServed,
    DeliveryFailed,
    Forbidden,
    IncorrectOtp,
    PhoneInUse,
    TooManyAttempts,
    TooManyOtpRequests,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.otp.challenge import ClientKind, parse_otp_code
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.phone import PhoneNumber, parse_phone
from tests.support.acts import BY_COMMAND, IN_CONSOLE, a_token, assert_refused
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.messenger import REJECTED
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    change_phone,
    identity_of,
    make_command,
    notified,
    record_of,
    request_code,
    request_codes,
    sign_in,
)

RECYCLED_AFTER = timedelta(days=100)


async def change(
    app: AppHarness,
    user: PhoneNumber | str,
    phone: PhoneNumber = NEW,
    operator: Operator = BY_COMMAND,
) -> Identity:
    act = app.phone_change.change_phone_of_user
    return (await act(operator, user, phone, "saw the passport")).require_identity()


async def test_all_sessions_end_and_the_old_number_is_told_and_free(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    changed = await change(app, OLD, operator=IN_CONSOLE)
    assert (changed.id, changed.phone, changed.sessions) == (user.identity.id, NEW, ())
    (event,) = app.events.of_type(PhoneChanged)
    assert event.reason == "by an operator"
    (entry,) = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user.identity.id)
    assert (entry.actor, entry.reason) == (IN_CONSOLE.actor, "saw the passport")
    assert notified(app) == [OLD]
    assert (await sign_in(app, OLD)).identity.id != user.identity.id
    assert (await sign_in(app, NEW)).identity.id == user.identity.id


async def test_the_row_of_the_table_says_whether_the_former_number_was_told(
    app: AppHarness,
) -> None:
    user_acts = {row.name: row for row in app.administration.user_acts}
    assert [*user_acts][-1] == "delete"
    user, said = (await app.add_user(OLD)).identity.id, []
    for phone, result in ((NEW, app.messenger.result), (OTHER, REJECTED)):
        app.messenger.result = result
        call = ActCall(
            act=app.administration.act_for_users,
            operator=BY_COMMAND,
            query=user,
            reason="saw the passport",
            feature=app.phone_change,
            values={"new_phone": phone},
        )
        row = user_acts[CHANGE_PHONE.name]
        said.append(row.describe(await row.run(call)))
    told, untold = said
    assert told == "Phone number changed. All sessions have ended."
    assert "No provider took the message" in untold


async def test_what_is_impossible_changes_nothing() -> None:
    fixed_codes = FixedCodes((FixedCode(OTHER, parse_otp_code("123456")),))
    app = AppHarness(policy=make_policy(fixed_codes=fixed_codes, countries=["US"]))
    user = await app.add_user(OLD)
    await app.log_in(NEW)
    german = parse_phone("+4915112345678")
    for phone, error in (
        (OLD, ConflictingValue),
        (NEW, PhoneInUse),
        (OTHER, ConflictingValue),
        (german, CountryNotServed),
    ):
        with pytest.raises(error):
            await change(app, OLD, phone)
    with pytest.raises(UserNotFound):
        await change(app, german, NEW)
    assert identity_of(app, user).phone == OLD
    # Only the change to a number in use began.
    act, failure = app.database.audit_entries
    assert (failure.failed_entry_id, failure.error) == (act.id, "phone_in_use")


async def test_only_who_may_changes_a_number_and_says_why(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    act = app.phone_change.change_phone_of_user

    await assert_refused(CHANGE_PHONE, lambda operator, why: act(operator, OLD, NEW, why))
    for granted in ([Scope.CHANGE_PHONES], [Role.ADMINISTRATOR]):
        with pytest.raises(Forbidden, match="No service token"):
            await change(app, OLD, operator=a_token(*granted))
    await app.identities.operator_actions.change_role(OLD, Role.ADMINISTRATOR)
    with pytest.raises(Forbidden):
        await change(app, OLD, operator=IN_CONSOLE)

    assert app.database.audit_entries == []
    assert identity_of(app, user).phone == OLD


async def test_an_account_whose_number_went_to_somebody_else_gets_one_again() -> None:
    app = AppHarness(policy=make_policy(recycled_after=RECYCLED_AFTER))
    user = await app.add_user(OLD)
    app.advance(days=101)
    owner = await app.add_user(OLD, "Another Name")
    with pytest.raises(PhoneInUse):
        await change(app, user.identity.id, OLD)
    assert identity_of(app, user).detached_at is not None

    changed = await change(app, user.identity.id)

    assert (changed.phone, changed.detached_at, changed.phone_change) == (NEW, None, None)
    assert (notified(app), identity_of(app, owner).phone) == ([], OLD)
    principal = await sign_in(app, NEW)
    assert principal.identity.id == user.identity.id
    await app.create_user(principal)
    events = identity_of(app, user).events.unsent
    assert events[-1].type is EventType.USER_CREATED


async def test_the_number_of_staff_is_in_use_however_long_it_was_unused() -> None:
    app = AppHarness(policy=make_policy(recycled_after=RECYCLED_AFTER))
    owner = (await app.add_administrator(NEW)).identity.id
    app.advance(days=101)
    user = await app.add_user(OLD)
    with pytest.raises(PhoneInUse):
        await change(app, user.identity.id)
    assert app.database.identities[owner].value.is_administrator


async def test_that_no_provider_takes_it_is_no_error_and_it_is_tried_for_a_day(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    app.messenger.result = REJECTED
    assert (await app.phone_change.change_phone(user, command)).phone == NEW
    for hours, expected in ((1, 2), (22, 3), (2, 4), (2, 4)):
        app.advance(hours=hours)
        await app.operations.cleanup()
        assert notified(app) == [OLD] * expected
    assert identity_of(app, user).phone_change is None


async def test_nothing_is_sent_to_a_blocked_number_a_test_number_or_a_country_that_is_not_served(
    app: AppHarness,
) -> None:
    german = parse_phone("+4915112345678")
    numbers: list[PhoneNumber] = [OLD, OTHER, german]
    users = [await app.add_user(phone, f"User {phone.masked[-2:]}") for phone in numbers]
    await app.identities.operator_actions.block(OLD)
    fixed_codes = FixedCodes((FixedCode(OTHER, parse_otp_code("123456")),))
    tested = replace(app, policy=make_policy(fixed_codes=fixed_codes))
    served = replace(app, policy=make_policy(countries=["US"]))
    for service, user in ((app, users[0]), (tested, users[1]), (served, users[2])):
        moved = await service.move_phone(user.identity.id, NEW)
        assert moved.phone_change is None
        assert notified(service) == []
        await service.identities.delete_user.by_id(user.identity.id)


async def test_an_account_that_is_deleted_meanwhile_gets_no_number(app: AppHarness) -> None:
    for operation in ("phone_verifications.save", "identities.replace"):
        user = await app.add_user(OLD, f"Deleted before {operation}")
        app.faults.run_before(operation, partial(app.identities.delete_user, user))
        with pytest.raises(UserNotFound):
            await change(app, user.identity.id)
        app.faults.reset()
    await app.operations.cleanup()
    assert NEW not in app.database.phone_verifications


async def test_the_user_has_the_new_number_and_the_old_one_is_free(app: AppHarness) -> None:
    await app.log_in(OLD)  # another session
    user = await app.add_user(OLD)
    user_id = user.identity.id
    changed = await change_phone(app, user)
    assert identity_of(app, user) == changed
    assert (changed.id, changed.phone, changed.phone_change) == (user_id, NEW, None)
    assert [session.id for session in changed.sessions] == [user.session.id]
    assert changed.devices == ()
    (event,) = app.events.of_type(PhoneChanged)
    assert (event.phone, event.user_id, event.reason) == (NEW, user_id, "by its owner")
    assert [notice.phone for notice in app.events.of_type(PhoneNoticeSent)] == [OLD]
    (entry,) = app.database.audit_entries
    assert (entry.actor.kind, entry.actor.id) == (ActorKind.USER, user_id)
    assert (entry.action, entry.subject) == (AuditAction.CHANGE_PHONE, user_id)
    assert (await sign_in(app, NEW)).identity.id == user_id
    assert (await sign_in(app, OLD)).identity.id != user_id


async def test_without_a_code_of_the_present_number_a_fresh_login_changes_nothing(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    assert user.has_fresh_login
    code = await request_code(app, user)
    with pytest.raises(OldOtpRequired):
        await app.phone_change.change_phone(user, make_command(code, None))
    assert identity_of(app, user).phone == OLD


@pytest.mark.parametrize("field", ["old_otp", "otp"])
async def test_a_wrong_code_is_named_and_the_right_ones_are_good_then(
    app: AppHarness, field: str
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    assert command.old_code
    right = command.code if field == "otp" else command.old_code
    wrong = parse_otp_code(wrong_code(right.digits))
    attempt = replace(command, code=wrong) if field == "otp" else replace(command, old_code=wrong)
    with pytest.raises(IncorrectOtp) as raised:
        await app.phone_change.change_phone(user, attempt)
    assert (raised.value.field, raised.value.attempts_left) == (field, 4)
    assert identity_of(app, user).phone == OLD
    assert (await app.phone_change.change_phone(user, command)).phone == NEW


async def test_after_a_wrong_new_code_the_right_old_one_stays_valid(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    typo = replace(command, code=parse_otp_code(wrong_code(command.code.digits)))
    before = record_of(app, OLD)
    for left in (4, 3):
        with pytest.raises(IncorrectOtp) as raised:
            await app.phone_change.change_phone(user, typo)
        assert (raised.value.field, raised.value.attempts_left) == ("otp", left)
        app.advance(seconds=61)
    assert record_of(app, OLD) == before
    assert (await app.phone_change.change_phone(user, command)).phone == NEW


async def test_a_wrong_old_code_counts_and_the_new_one_is_not_looked_at(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    assert command.old_code
    guess = replace(command, old_code=parse_otp_code(wrong_code(command.old_code.digits)))
    before = record_of(app, NEW)
    wrong = parse_otp_code(wrong_code(command.code.digits))
    for code, left in ((command.code, 4), (wrong, 3)):
        app.advance(seconds=11)  # the same wrong code counts again
        with pytest.raises(IncorrectOtp) as raised:
            await app.phone_change.change_phone(user, replace(guess, code=code))
        assert (raised.value.field, raised.value.attempts_left) == ("old_otp", left)
    assert record_of(app, NEW) == before


async def test_a_right_old_code_passes_no_counter_that_parallel_guesses_used_up(
    app: AppHarness,
) -> None:
    """Otherwise one burst tries more codes than five, and learns which of them is right."""
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    assert command.old_code
    right, before = int(command.old_code.digits), record_of(app, NEW)

    async def guess() -> None:
        for number in range(1, 6):
            wrong = parse_otp_code(f"{(right + number) % 10**6:06}")
            with pytest.raises(IncorrectOtp):
                await app.phone_change.change_phone(user, replace(command, old_code=wrong))

    app.faults.run_before("phone_verifications.save", guess)
    with pytest.raises(TooManyAttempts):
        await app.phone_change.change_phone(user, command)
    assert record_of(app, NEW) == before


@pytest.mark.parametrize("has_token", [False, True], ids=["session", "token"])
async def test_strangers_do_not_keep_the_code_of_the_present_number_from_its_owner(
    app: AppHarness, has_token: bool
) -> None:
    await app.add_user(OLD)
    logged_in = await app.open_session(OLD)
    user = await app.identities.authenticate(logged_in.tokens.access_token)
    app.advance(hours=12)

    async def use_up() -> None:
        for number in range(20):
            app.advance(hours=1)
            await app.request_otp(OLD, f"203.0.{number}.7")

    with pytest.raises(TooManyOtpRequests):
        await use_up()
    if has_token:  # of another session of this device
        user = replace(user, session=replace(user.session, id="0" * 24))
    request = RequestPhoneChangeOtpCommand(
        phone=None,
        client_ip="198.51.100.7",
        device_token=logged_in.device_token if has_token else None,
    )
    app.advance(hours=1)
    result = await app.phone_change.request_otp(user, request)
    assert result.sent
    delivery = record_of(app, OLD).deliveries.all[-1]
    assert delivery.device_id == identity_of(app, user).devices[-1].id
    new = replace(request, phone=NEW)
    await app.phone_change.request_otp(user, new)
    assert record_of(app, NEW).deliveries.all[-1].device_id is None


async def test_guesses_of_others_do_not_keep_the_right_old_code_of_the_device(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    assert command.old_code
    device_id = identity_of(app, user).devices[-1].id
    guess = replace(command, old_code=parse_otp_code(wrong_code(command.old_code.digits)))
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(user, guess)
    (counter,) = record_of(app, OLD).challenges.all[-1].counters
    assert (counter.kind, counter.id) == (ClientKind.DEVICE, device_id)


async def test_a_code_for_a_change_is_for_this_change_of_this_identity_only(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    other = await app.add_user(OTHER, "Another Name")
    to_sign_in = (await app.request_otp(NEW)).request_id
    of_sign_in = make_command((app.last_code, to_sign_in), await request_code(app, user, None))
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(user, of_sign_in)
    app.advance(minutes=1)
    code = await request_code(app, user)
    assert isinstance(await app.verify_otp(code[0], NEW, request_id=code[1]), OtpRejected)
    assert isinstance(await app.verify_otp(code[0], NEW), OtpRejected)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(
            other, make_command(code, await request_code(app, other, None))
        )
    assert record_of(app, NEW).identity_id is None


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_that_a_number_is_in_use_is_said_after_the_right_codes_only(
    app: AppHarness, is_blocked: bool
) -> None:
    user = await app.add_user(OLD)
    if not is_blocked:
        await app.log_in(NEW)
    command = await request_codes(app, user)
    if is_blocked:
        await app.identities.operator_actions.block(NEW)
    wrong = parse_otp_code(wrong_code(command.code.digits))
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(user, replace(command, code=wrong))
    with pytest.raises(PhoneInUse):
        await app.phone_change.change_phone(user, command)
    assert (identity_of(app, user).phone, identity_of(app, user).phone_change) == (OLD, None)
    assert app.database.audit_entries[-1].error == "phone_in_use"
    user = replace(user, identity=identity_of(app, user))
    other = await request_code(app, user, OTHER)
    again = replace(command, phone=OTHER, code=parse_otp_code(other[0]), request_id=other[1])
    with pytest.raises(IncorrectOtp) as raised:  # the code of the present number is used
        await app.phone_change.change_phone(user, again)
    assert (raised.value.field, raised.value.attempts_left) == ("old_otp", 0)
    app.advance(seconds=61)  # the code of the other number is not
    old = await request_code(app, user, None)
    again = replace(again, old_code=parse_otp_code(old[0]), old_request_id=old[1])
    assert (await app.phone_change.change_phone(user, again)).phone == OTHER


@pytest.mark.parametrize("owner", ["unverified", "deleted", "missing", "unused"])
async def test_an_owner_that_a_sign_in_would_replace_is_replaced(owner: str) -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    before = await app.log_in(NEW)
    identities = app.database.repositories().identities
    loaded = await identities.load(before.identity.id)
    assert loaded is not None
    stored: Identity = loaded.value
    match owner:
        case "unverified":
            unverified = Identity(stored.id, NEW, stored.created_at, is_verified=False)
            await identities.replace(unverified, loaded.version)
        case "deleted":
            await app.identities.delete_user(before)
        case "missing":
            del app.database.records.tables["identities"][stored.id]
        case _:
            app.advance(days=101)
    user = await app.add_user(OLD)
    assert (await change_phone(app, user)).phone == NEW
    assert record_of(app, NEW).identity_id == user.identity.id
    assert app.database.identities[before.identity.id].value.is_closed
    assert (await sign_in(app, NEW)).identity.id == user.identity.id


async def test_who_knows_a_fixed_code_becomes_no_administrator_by_a_change(
    app: AppHarness,
) -> None:
    user = await app.add_administrator(OLD)
    await app.create_user(user)
    fixed_codes = FixedCodes((FixedCode(OLD, parse_otp_code("123456")),))
    app = replace(app, policy=make_policy(fixed_codes=fixed_codes))
    app.advance(hours=12)
    await app.request_otp(OLD)
    result = await app.verify_otp("123456", OLD)
    assert isinstance(result, LoggedIn)
    tester = await app.identities.authenticate(result.tokens.access_token)
    code = await request_code(app, tester)
    old = ("123456", (await request_code(app, tester, None))[1])
    changed = await app.phone_change.change_phone(tester, make_command(code, old))
    assert (changed.phone, changed.staff.role) == (NEW, Role.MEMBER)


async def test_an_identity_gets_ten_codes_a_day_for_changes(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    for limit in ("per_session", "per_identity"):
        for number in range(5):
            app.advance(hours=1)
            await request_code(app, user, None if number == 0 else a_phone(10 + number))
        if limit == "per_identity":
            user = await sign_in(app, OLD)
        with pytest.raises(TooManyOtpRequests) as raised:
            await request_code(app, user, NEW)
        assert raised.value.limit == limit
        # Who signs in anew has what a thief of the session before has left.
        user = await sign_in(app, OLD)


async def test_a_code_that_the_provider_rejects_is_given_back_to_the_session(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    app.messenger.result = REJECTED
    for _ in range(6):
        app.advance(hours=1)
        with pytest.raises(DeliveryFailed):
            await request_code(app, user, NEW)
    session, account = f"session:{user.session.id}", f"identity:{user.identity.id}"
    for subject in (session, account):
        assert app.database.permits[f"{subject}:deliveries:phone_change"] == 0


async def test_the_same_codes_again_are_a_success_until_another_change(app: AppHarness) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    changed = await app.phone_change.change_phone(user, command)
    messages = len(app.messenger.messages)
    again = replace(user, identity=changed)
    assert await app.phone_change.change_phone(again, command) == changed
    assert len(app.messenger.messages) == messages
    app.advance(minutes=1)
    changed = await change_phone(app, again, OTHER)
    with pytest.raises(IncorrectOtp):
        await app.phone_change.change_phone(replace(user, identity=changed), command)
    assert identity_of(app, user).phone == OTHER


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_an_account_that_is_signed_out_or_blocked_meanwhile_changes_nothing(
    app: AppHarness, is_blocked: bool
) -> None:
    user = await app.add_user(OLD)
    command = await request_codes(app, user)
    actions = app.identities.operator_actions
    await (actions.block(OLD) if is_blocked else actions.revoke_sessions(user.identity.id))
    with pytest.raises(Unauthenticated):
        await app.phone_change.change_phone(user, command)
    assert identity_of(app, user).phone == OLD


async def test_of_two_changes_of_one_session_the_slower_one_is_to_be_repeated(
    app: AppHarness,
) -> None:
    user = await app.add_user(OLD)
    first = await request_codes(app, user)
    app.advance(minutes=4, seconds=30)  # the next code of the present number is another one
    second = await request_codes(app, user, OTHER)
    app.faults.run_before("audit_log.add", lambda: app.phone_change.change_phone(user, first))
    with pytest.raises(ConcurrencyConflict):
        await app.phone_change.change_phone(user, second)
    app.faults.reset()
    assert identity_of(app, user).phone == NEW
    assert notified(app) == [OLD]


async def test_a_user_has_a_number_which_is_no_new_one(app: AppHarness) -> None:
    principal = await app.log_in(OLD)
    with pytest.raises(UserNotFound):
        await request_code(app, principal)
    user = replace(principal, identity=await app.create_user(principal))
    with pytest.raises(ConflictingValue):
        await request_code(app, user, OLD)
    code = await request_code(app, user, None)
    with pytest.raises(ConflictingValue):
        await app.phone_change.change_phone(user, make_command(code, code, OLD))
