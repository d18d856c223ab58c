"""Whatever becomes of an upload's body on its way, the answer is ours and nothing is left."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.http.blocks import BLOCK
from entrypoints.http.upload_form import FORM_OVERHEAD, IN_MEMORY, MOST_PARTS
from tests.integration.http_desk import Answer
from tests.integration.upload_desk import BOUNDARY, LIMIT, UploadDesk, open_upload_desk
from tests.integration.upload_forms import (
    END,
    FILE_NAMES,
    FURTHER,
    GIF,
    Part,
    category,
    complete_forms,
    cuts,
    damaged_forms,
    form,
    picture,
    user,
)
from tests.support.examples import examples

INCOMPLETE: Final = {
    "errors": {"body": ["This is not a complete multipart form."]},
    "code": "invalid",
}
STATUSES: Final = {201, 400, 403, 413, 415, 422}


@pytest.fixture(scope="module")
def desk() -> Iterator[UploadDesk]:
    with open_upload_desk() as opened:
        yield opened


def assert_is_of_the_contract(answer: Answer) -> None:
    assert answer.status in STATUSES
    assert ("code" in answer.told) == (answer.status != 201)


@pytest.mark.parametrize("names", FILE_NAMES)
def test_a_file_may_be_named_as_clients_do(desk: UploadDesk, names: str) -> None:
    answer = desk.post([form(user(desk.user_id), picture(names=names))])
    assert (answer.status, answer.told["type"]) == (201, "gif")


def test_a_form_that_ends_at_any_byte_before_its_end_is_refused_and_leaves_nothing(
    desk: UploadDesk,
) -> None:
    body = form(category("art"), user(desk.user_id), picture(), before=b"a preamble\r\n")
    kept = desk.kept()
    for length in range(1, len(body)):
        assert desk.post([body[:length]]) == Answer(400, INCOMPLETE)
    assert desk.kept() == kept


def test_who_goes_away_at_any_byte_leaves_nothing(desk: UploadDesk) -> None:
    body = form(user(desk.user_id), picture())
    kept = desk.kept()
    for length in range(len(body) + 1):
        assert desk.post([body[:length]], goes_away=True).status == 400
    assert desk.kept() == kept


@given(data=st.data())
@settings(max_examples=examples(40))
def test_a_complete_form_is_taken_however_it_is_cut_on_its_way(
    desk: UploadDesk, data: st.DataObject
) -> None:
    body = data.draw(complete_forms(desk.user_id))
    answer = desk.post(data.draw(cuts(body)))
    assert (answer.status, answer.told["type"]) == (201, "gif")


@given(data=st.data())
@settings(max_examples=examples(50))
def test_a_damaged_form_gets_one_answer_of_ours_however_it_is_cut_on_its_way(
    desk: UploadDesk, data: st.DataObject
) -> None:
    body = data.draw(damaged_forms(desk.user_id))
    ready = desk.kept()["ready"]
    answer = desk.post([body])
    assert_is_of_the_contract(answer)
    assert desk.kept()["ready"] == ready + (answer.status == 201)
    assert desk.post(data.draw(cuts(body))) == answer


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param((b"--a-b", b"x--a-b"), id="before the first boundary"),
        pytest.param((b"image/gif", b"image/gif\nX: y"), id="half a line's end in a header"),
        pytest.param((b'name="note"', b'name="category"'), id="a label of 10000 bytes"),
        pytest.param((b"Content-Type", b"X: " + b"y" * 4090 + b"\r\nA"), id="a long header"),
    ],
)
def test_where_the_network_cuts_decides_nothing(
    desk: UploadDesk, damage: tuple[bytes, bytes]
) -> None:
    long = Part('name="note"', b"\xc3\xa9" * 5000)
    body = form(user(desk.user_id), picture(), long).replace(*damage, 1)
    whole = desk.post([body])
    for length in (1, 7, 13, 4097):
        pieces = [body[at : at + length] for at in range(0, len(body), length)]
        assert desk.post(pieces) == whole
    for place in range(1, 400, 3):
        assert desk.post([body[:place], body[place:]]) == whole


@given(
    st.binary(max_size=200),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
    | st.sampled_from(
        [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            'multipart/form-data; boundary=""',
            'multipart/form-data; boundary="a b"; boundary=c',
            "multipart/form-data; charset=rot13; boundary=a-boundary",
            "multipart/form-data; boundary=" + "b" * 5000,
            "multipart/mixed; boundary=a-boundary",
            "MULTIPART/Form-Data; BOUNDARY=another",
        ]
    ),
)
@settings(max_examples=examples(40))
def test_whatever_is_said_to_be_a_form_gets_an_answer_of_ours(
    desk: UploadDesk, body: bytes, content_type: str
) -> None:
    for sent in (body, form(user(desk.user_id), picture()) + body):
        assert_is_of_the_contract(desk.post([sent], content_type))


def test_another_boundary_than_the_one_that_was_named_is_refused(desk: UploadDesk) -> None:
    body = form(user(desk.user_id), picture())
    for named in (BOUNDARY + "x", BOUNDARY[:-1], BOUNDARY.upper(), "-" + BOUNDARY):
        answer = desk.post([body], f"multipart/form-data; boundary={named}")
        assert answer == Answer(400, INCOMPLETE)


@given(st.lists(st.sampled_from(["art", "food", "\u0915\u0932\u093e", ""]), min_size=1, max_size=4))
@settings(max_examples=examples(15))
def test_of_fields_that_come_twice_the_first_counts(desk: UploadDesk, labels: list[str]) -> None:
    labelled = [category(label) for label in labels]
    body = form(*labelled, user(desk.user_id), user("0" * 24), picture(), picture(b"no picture"))
    answer = desk.post([body])
    assert (answer.status, answer.told["category"]) == (201, labels[0])


def test_of_files_that_come_twice_the_first_counts(desk: UploadDesk) -> None:
    for second in (picture(names='name="file"; filename=""'), picture(b"no picture")):
        assert desk.post([form(user(desk.user_id), picture(), second)]).status == 201
    broken = picture(GIF.removesuffix(b"\0;"))
    assert desk.post([form(user(desk.user_id), broken, picture())]).status == 422


def test_a_form_of_too_many_parts_is_refused(desk: UploadDesk) -> None:
    parts = [user(desk.user_id), picture(), *[FURTHER[1]] * MOST_PARTS]
    assert desk.post([form(*parts[:MOST_PARTS])]).status == 201
    assert desk.post([form(*parts[: MOST_PARTS + 1])]) == Answer(400, INCOMPLETE)


@given(st.integers(0, 2 * (LIMIT + FORM_OVERHEAD)))
@settings(max_examples=examples(20))
def test_what_was_announced_refuses_what_is_too_large_and_decides_nothing_else(
    desk: UploadDesk, announced: int
) -> None:
    answer = desk.post([form(user(desk.user_id), picture())], announced=announced)
    assert answer.status == (413 if announced > LIMIT + FORM_OVERHEAD else 201)


def test_a_file_may_have_the_limits_length_and_not_one_byte_more(desk: UploadDesk) -> None:
    for more, status in ((0, 201), (1, 413)):
        content = GIF[:-2] + b"\0" * (LIMIT - len(GIF) + more) + GIF[-2:]
        answer = desk.post([form(user(desk.user_id), picture(content))], announced=0)
        assert answer.status == status


def test_a_large_file_that_breaks_off_leaves_no_temporary_file(
    desk: UploadDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body = form(user(desk.user_id), picture(GIF + b"\0" * (IN_MEMORY * 3 // 2)))
    kept = desk.kept()
    pieces = [body[at : at + BLOCK] for at in range(0, len(body), BLOCK)]
    for goes_away in (False, True):
        assert desk.post(pieces[:-1], goes_away=goes_away).status == 400
    assert desk.post([body.removesuffix(END)]).status == 400
    assert desk.post([body.replace(END, b"\0" * LIMIT)]).status == 413
    assert list(tmp_path.iterdir()) == []
    assert [one for one in _open_files() if one.startswith(str(tmp_path))] == []
    assert desk.kept() == kept


def _open_files() -> list[str]:
    links = Path("/proc/self/fd").iterdir()
    return [str(one.readlink()) for one in links if one.is_symlink()]
