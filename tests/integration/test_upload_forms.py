"""Every form of an upload, valid or invalid, gets a response of ours and leaves nothing behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.http.library.upload_form import (
    BLOCK_BYTES,
    MAX_FORM_OVERHEAD_BYTES,
    MAX_MEMORY_BYTES,
    MAX_PARTS,
)
from tests.integration.http_driver import Response
from tests.integration.uploads import (
    BOUNDARY,
    END,
    FILE_NAMES,
    GIF,
    IGNORED_PARTS,
    LIMIT,
    Part,
    UploadDriver,
    category_part,
    chunkings,
    complete_forms,
    damaged_forms,
    file_part,
    form,
    open_upload_driver,
    user_part,
)
from tests.support.examples import examples

_MESSAGE: Final = "The multipart form is incomplete or malformed."
MALFORMED: Final = Response(
    400,
    {
        "errors": {"body": [_MESSAGE]},
        "code": "invalid",
        "field_errors": [{"field": "body", "code": "invalid_form", "message": _MESSAGE}],
    },
)
STATUSES: Final = {201, 400, 403, 413, 415, 422}


@pytest.fixture(scope="module")
def uploads() -> Iterator[UploadDriver]:
    with open_upload_driver() as opened:
        yield opened


def assert_is_documented(response: Response) -> None:
    assert response.status in STATUSES
    assert ("code" in response.body) == (response.status != 201)


@pytest.mark.parametrize("disposition", FILE_NAMES)
def test_file_names_are_accepted_as_clients_write_them(
    uploads: UploadDriver, disposition: str
) -> None:
    body = form(user_part(uploads.user_id), file_part(disposition=disposition))
    response = uploads.post([body])
    assert (response.status, response.body["type"]) == (201, "gif")


def test_a_form_truncated_at_any_byte_is_rejected_and_leaves_nothing(
    uploads: UploadDriver,
) -> None:
    body = form(
        category_part("art"), user_part(uploads.user_id), file_part(), preamble=b"a preamble\r\n"
    )
    before = uploads.count_items()
    for length in range(1, len(body)):
        assert uploads.post([body[:length]]) == MALFORMED
    assert uploads.count_items() == before


def test_a_client_that_disconnects_at_any_byte_leaves_nothing(uploads: UploadDriver) -> None:
    body = form(user_part(uploads.user_id), file_part())
    before = uploads.count_items()
    for length in range(len(body) + 1):
        assert uploads.post([body[:length]], disconnects=True).status == 400
    assert uploads.count_items() == before


@given(data=st.data())
@settings(max_examples=examples(40))
def test_a_complete_form_is_accepted_in_any_chunks(
    uploads: UploadDriver, data: st.DataObject
) -> None:
    body = data.draw(complete_forms(uploads.user_id))
    response = uploads.post(data.draw(chunkings(body)))
    assert (response.status, response.body["type"]) == (201, "gif")


@given(data=st.data())
@settings(max_examples=examples(50))
def test_a_damaged_form_gets_the_same_response_in_any_chunks(
    uploads: UploadDriver, data: st.DataObject
) -> None:
    body = data.draw(damaged_forms(uploads.user_id))
    ready = uploads.count_items()["ready"]
    response = uploads.post([body])
    assert_is_documented(response)
    assert uploads.count_items()["ready"] == ready + (response.status == 201)
    assert uploads.post(data.draw(chunkings(body))) == response


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param((b"--a-b", b"x--a-b"), id="before the first boundary"),
        pytest.param((b"image/gif", b"image/gif\nX: y"), id="half a line end in a header"),
        pytest.param((b'name="note"', b'name="category"'), id="a category of 10000 bytes"),
        pytest.param((b"Content-Type", b"X: " + b"y" * 4090 + b"\r\nA"), id="a long header"),
    ],
)
def test_the_chunks_of_the_network_never_change_the_response(
    uploads: UploadDriver, damage: tuple[bytes, bytes]
) -> None:
    long = Part('name="note"', b"\xc3\xa9" * 5000)
    body = form(user_part(uploads.user_id), file_part(), long).replace(*damage, 1)
    expected = uploads.post([body])
    for length in (1, 7, 13, 4097):
        chunks = [body[start : start + length] for start in range(0, len(body), length)]
        assert uploads.post(chunks) == expected
    for cut in range(1, 400, 3):
        assert uploads.post([body[:cut], body[cut:]]) == expected


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
def test_any_content_type_gets_a_documented_response(
    uploads: UploadDriver, content: bytes, content_type: str
) -> None:
    for body in (content, form(user_part(uploads.user_id), file_part()) + content):
        assert_is_documented(uploads.post([body], content_type))


def test_a_form_with_another_boundary_than_announced_is_rejected(uploads: UploadDriver) -> None:
    body = form(user_part(uploads.user_id), file_part())
    for boundary in (BOUNDARY + "x", BOUNDARY[:-1], BOUNDARY.upper(), "-" + BOUNDARY):
        assert uploads.post([body], f"multipart/form-data; boundary={boundary}") == MALFORMED


@given(st.lists(st.sampled_from(["art", "food", "\u0915\u0932\u093e", ""]), min_size=1, max_size=4))
@settings(max_examples=examples(15))
def test_the_first_of_repeated_fields_is_used(uploads: UploadDriver, categories: list[str]) -> None:
    body = form(
        *map(category_part, categories),
        user_part(uploads.user_id),
        user_part("0" * 24),
        file_part(),
        file_part(b"not an image"),
    )
    response = uploads.post([body])
    assert (response.status, response.body["category"]) == (201, categories[0])


def test_the_first_of_repeated_files_is_used(uploads: UploadDriver) -> None:
    user = user_part(uploads.user_id)
    unselected = file_part(disposition='name="file"; filename=""')
    for second in (unselected, file_part(b"not an image")):
        assert uploads.post([form(user, file_part(), second)]).status == 201
    broken = file_part(GIF.removesuffix(b"\0;"))
    assert uploads.post([form(user, broken, file_part())]).status == 422


def test_a_form_with_too_many_parts_is_rejected(uploads: UploadDriver) -> None:
    parts = [user_part(uploads.user_id), file_part(), *[IGNORED_PARTS[1]] * MAX_PARTS]
    assert uploads.post([form(*parts[:MAX_PARTS])]).status == 201
    assert uploads.post([form(*parts[: MAX_PARTS + 1])]) == MALFORMED


@given(st.integers(0, 2 * (LIMIT + MAX_FORM_OVERHEAD_BYTES)))
@settings(max_examples=examples(20))
def test_content_length_matters_only_if_it_exceeds_the_limit(
    uploads: UploadDriver, content_length: int
) -> None:
    body = form(user_part(uploads.user_id), file_part())
    response = uploads.post([body], content_length=content_length)
    is_too_large = content_length > LIMIT + MAX_FORM_OVERHEAD_BYTES
    assert response.status == (413 if is_too_large else 201)


@pytest.mark.parametrize(("extra_bytes", "status"), [(0, 201), (1, 413)])
def test_a_file_may_be_exactly_as_large_as_the_limit(
    uploads: UploadDriver, extra_bytes: int, status: int
) -> None:
    content = GIF[:-2] + b"\0" * (LIMIT - len(GIF) + extra_bytes) + GIF[-2:]
    body = form(user_part(uploads.user_id), file_part(content))
    assert uploads.post([body], content_length=0).status == status


def test_a_large_file_that_is_incomplete_leaves_no_temporary_file(
    uploads: UploadDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = GIF + b"\0" * (MAX_MEMORY_BYTES * 3 // 2)
    body = form(user_part(uploads.user_id), file_part(content))
    before = uploads.count_items()
    chunks = [body[start : start + BLOCK_BYTES] for start in range(0, len(body), BLOCK_BYTES)]
    for disconnects in (False, True):
        assert uploads.post(chunks[:-1], disconnects=disconnects).status == 400
    assert uploads.post([body.removesuffix(END)]).status == 400
    assert uploads.post([body.replace(END, b"\0" * LIMIT)]).status == 413
    assert list(tmp_path.iterdir()) == []
    assert [path for path in _open_files() if path.startswith(str(tmp_path))] == []
    assert uploads.count_items() == before


def _open_files() -> list[str]:
    links = Path("/proc/self/fd").iterdir()
    return [str(link.readlink()) for link in links if link.is_symlink()]
