"""A caller leaves the service."""

from tests.e2e.phone_line import WELCOME, WELCOME_BACK, PhoneLine, bearer

LEFT = "You have left Dialtone. Goodbye."
EXPLAINED = "To leave, open the app: we have sent you a message that says how. Goodbye."


def test_an_unverified_caller_leaves(line: PhoneLine, phone: str) -> None:
    line.join(phone)

    call = line.call(phone, "4", "1")

    assert (call.heard[-1], call.status) == (LEFT, "completed")
    assert line.messages(phone) == []
    assert line.log_entry(call)["outcome"] == "left"
    assert line.call(phone).heard[0] == WELCOME


def test_who_stays_comes_back_to_the_menu(line: PhoneLine, phone: str) -> None:
    line.join(phone)

    call = line.call(phone, "4", "2")

    assert call.heard[-1].startswith("To talk to an operator")
    assert line.call(phone).heard[0] == WELCOME_BACK


def test_a_verified_caller_gets_a_message_and_nothing_changes(line: PhoneLine, phone: str) -> None:
    token, user_id = line.sign_up(phone)
    before = line.identities()[user_id]
    messages = len(line.messages(phone))

    call = line.call(phone, "4", "1")

    assert (call.heard[-1], call.status) == (EXPLAINED, "completed")
    (message,) = line.messages(phone)[messages:]
    assert "Dialtone" in message
    assert line.identities()[user_id] == before
    assert line.http.get("/users/me", headers=bearer(token)).status_code == 200


def test_repeated_calls_do_not_flood_a_verified_owner_with_messages(
    line: PhoneLine, phone: str
) -> None:
    line.sign_up(phone)
    messages = len(line.messages(phone))

    for _ in range(6):
        assert line.call(phone, "4", "1").heard[-1] == EXPLAINED

    assert 1 <= len(line.messages(phone)) - messages <= 3
