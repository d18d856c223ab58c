"""`GET /calls`."""

from tests.e2e.phone_line import PhoneLine, bearer


def test_owners_see_their_own_calls_newest_first(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    line.join(phone)
    line.call(phone, "9").hang_up()
    line.call(phone, "4", "2").hang_up()
    line.join(other_phone)

    token = line.sign_in(phone)
    entries = line.log(token)

    assert [entry["path"][-1] for entry in entries] == ["main_menu", "main_menu", "goodbye"]
    assert [entry["path"][-2] for entry in entries[:2]] == ["confirm_leaving", "welcome_back"]
    assert [entry["caller_verified"] for entry in entries] == [False] * 3
    times = [entry["started_at"] for entry in entries]
    assert times == sorted(times, reverse=True)
    assert phone.removeprefix("+1") not in str(entries)


def test_a_cursor_leads_through_all_pages(line: PhoneLine, phone: str) -> None:
    token = line.sign_in(phone)
    for _ in range(5):
        line.call(phone).hang_up()
    expected = [entry["id"] for entry in line.log(token)]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"limit": "2", **cursor}
        page = line.http.get("/calls", params=query, headers=bearer(token)).json()
        seen += [entry["id"] for entry in page["calls"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert seen == expected
    assert len(seen) == len(set(seen)) == 5


def test_administrators_see_the_calls_of_everybody(
    line: PhoneLine, phone: str, other_phone: str
) -> None:
    calls = [line.call(phone), line.call(other_phone, "1")]

    entries = [line.log_entry(call) for call in calls]

    assert [entry["path"][-1] for entry in entries] == ["join", "operator"]


def test_strangers_see_nothing(line: PhoneLine, phone: str, other_phone: str) -> None:
    line.join(phone)
    call = line.call(phone, "3")
    call.leave_recording(b"sound")
    stranger = line.sign_in(other_phone)

    assert line.log(stranger) == []
    call_id = line.log_entry(call)["id"]
    path = f"/calls/{call_id}/recording"
    assert line.http.get(path, headers=bearer(stranger)).status_code in (403, 404)
    assert line.http.get("/calls").status_code == 401


def test_invalid_cursors_and_limits_are_an_error(line: PhoneLine, phone: str) -> None:
    headers = bearer(line.sign_in(phone))

    for query in ({"cursor": "nonsense"}, {"limit": "0"}, {"limit": "many"}):
        response = line.http.get("/calls", params=query, headers=headers)
        assert response.status_code == 400, query
