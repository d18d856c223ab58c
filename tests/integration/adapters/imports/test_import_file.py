"""Files that are imported: CSV and JSON lines, and files that cannot be read."""

import gzip
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from adapters.imports.import_file import MAX_RECORD_LENGTH, ImportFile
from application.features.imports.lines import ImportProblem, InvalidLine, Line
from application.features.imports.user_lines import FIELDS, ImportedUser, UserLines
from application.ports.errors import ConfigurationError
from domain.identities.external_id import ExternalId
from domain.phone import DEFAULT_RULES, parse_phone

RAHUL, ASHA = parse_phone("+14155550101"), parse_phone("+447400123456")
USERS: Final[list[ImportedUser | ImportProblem]] = [
    ImportedUser(
        phone=RAHUL,
        id="5f7c8ec7c33c6c004bbafe82",
        username="Rahul Sharma",
        created_at=datetime(2020, 5, 1, 9, 30, tzinfo=UTC),
    ),
    ImportedUser(
        phone=ASHA,
        external_id=ExternalId("member 42"),
        username="Asha\nRao",
        created_at=datetime(2021, 5, 1, tzinfo=UTC),
        is_blocked=True,
    ),
]
CSV: Final = """\
phone,id,username,created_at,blocked
+1 (415) 555-0101,5f7c8ec7c33c6c004bbafe82,Rahul Sharma,2020-05-01T09:30:00Z,false
0044 7400 123456,member 42,"Asha
Rao",2021-05-01,true
"""
JSON_LINES: Final = (
    '{"phone": "+1 (415) 555-0101", "id": "5f7c8ec7c33c6c004bbafe82", "username": "Rahul Sharma",'
    ' "created_at": 1588325400000}\n'
    '{"phone": "0044 7400 123456", "external_id": "member 42", "id": null,'
    ' "username": "Asha\\nRao", "created_at": "2021-05-01", "blocked": true}\n'
)


def parse(line: Line) -> ImportedUser | ImportProblem | None:
    user = UserLines(default_region=None, rules=DEFAULT_RULES).parse(line)
    return user.result.problem if isinstance(user, InvalidLine) else user


def read(file: ImportFile) -> list[ImportedUser | ImportProblem | None]:
    return [parse(line) for line in file.read()]


def of_text(tmp_path: Path, text: str | bytes, required: Sequence[str] = ("phone",)) -> ImportFile:
    path = tmp_path / "users"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return make(path, required)


def make(path: Path, required: Sequence[str] = ()) -> ImportFile:
    return ImportFile(
        path=path, names=FIELDS, objects=("claims",), required=dict.fromkeys(required, ": say why.")
    )


def phones_of(file: ImportFile) -> list[str | ImportProblem | None]:
    return [user.phone.e164 if isinstance(user, ImportedUser) else user for user in read(file)]


@pytest.mark.parametrize("text", [CSV, JSON_LINES, "\ufeff\r\n" + CSV, "\ufeff\n" + JSON_LINES])
def test_a_file_is_csv_unless_it_begins_like_a_json_object(tmp_path: Path, text: str) -> None:
    assert read(of_text(tmp_path, text, ["phone", "blocked"])) == USERS


def test_lines_are_numbered_by_where_they_begin(tmp_path: Path) -> None:
    text = '\ufeffphone,username\r\n\r\n+14155550101,"Two\r\nlines"\r\n+14155550102,A\r\n'
    assert [line.number for line in of_text(tmp_path, text).read()] == [3, 5]
    lines = '{"phone": "+14155550101"}\n\n{"phone": "+14155550102"}\n'
    assert [line.number for line in of_text(tmp_path, lines).read()] == [1, 3]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("phone,email,id,Phone,\n1,,2,,\n", "email, Phone, (no name)"),
        (
            '{"phone": "1", "nick": null}\n{"email": "2", "nick": "3"}\n',
            "nick (line 1), email (line 2)",
        ),
        ("+1 (415) 555-0101,Rahul\n", "(hidden), Rahul"),
        ('{"phone": "1", "tel:+14155550101": {}}\n', "(hidden) (line 1)"),
    ],
)
def test_unknown_fields_are_an_error_that_names_all_and_the_known_ones(
    tmp_path: Path, text: str, names: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(of_text(tmp_path, text))
    known = "An import knows phone, id, external_id, username, created_at, blocked, claims."
    assert f"{names}. {known}" in str(error.value)
    assert "docs/importing.md" in str(error.value)


def test_claims_are_an_object_or_its_text(tmp_path: Path) -> None:
    objects = '{"phone":"+1","blocked":0,"claims":{"a":"é"}}\n{"phone":"+1","claims":[1]}'
    known, wrong = of_text(tmp_path, objects).read()
    assert (known.fields["claims"], known.message) == ('{"a": "é"}', "")
    assert wrong.message == "claims is not an object."


REJECTED: Final = """\
rejected_line,rejected_reason,rejected_message,phone,id,username,created_at,blocked
2,no_phone,,'+1 (415) 555-0101,5f7c8ec7c33c6c004bbafe82,Rahul Sharma,2020-05-01T09:30:00Z,false
3,invalid_id,"Too long, and more",0044 7400 123456,member 42,"Asha
Rao",2021-05-01,true
"""
REJECTED_LINES: Final = JSON_LINES.replace('{"phone', '{"rejected_line": 7, "phone')


@pytest.mark.parametrize("text", [REJECTED, REJECTED_LINES])
def test_a_file_of_rejected_lines_is_read_as_it_is(tmp_path: Path, text: str) -> None:
    file = of_text(tmp_path, text, ["phone", "blocked"])
    assert read(file) == USERS
    assert not any("rejected_line" in line.fields for line in file.read())


def test_a_line_that_cannot_be_read_is_rejected_alone(tmp_path: Path) -> None:
    deep = f'{{"phone": {"[" * 100_000}'
    lines = f'{{"phone"\n{{"phone": "+14155550101"}}\n7\n{deep}\n{{"phone": 14155550102}}\n'
    lines += '{"phone": "+14155550103", "username": ["a"]}\n'
    invalid = ImportProblem.INVALID_LINE
    assert phones_of(of_text(tmp_path, lines)) == [
        invalid, "+14155550101", invalid, invalid, ImportProblem.INVALID_PHONE, invalid,
    ]  # fmt: skip
    rows = "phone,id\n+14155550101,1\n+14155550102,2,3\n+14155550103\n"
    assert phones_of(of_text(tmp_path, rows)) == ["+14155550101", invalid, invalid]


def test_a_field_that_was_escaped_for_spreadsheets_is_read(tmp_path: Path) -> None:
    assert phones_of(of_text(tmp_path, "phone\n'+14155550101\n")) == ["+14155550101"]
    for field in ('="+14155550101"', '"=""+14155550101"""'):
        assert phones_of(of_text(tmp_path, f"phone\n{field}\n")) == ["+14155550101"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        ("phone\nZoë\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b"phone\n" + b"1" * (MAX_RECORD_LENGTH + 1), "line 2 has more than 1048576 bytes"),
        (b'{"phone": "' + b"1" * MAX_RECORD_LENGTH, "line 1 has more than 1048576 bytes"),
        (b"phone\n" + b'"\n1",' * 300_000, "is in a record that has more than 1048576 bytes"),
        (gzip.compress(b"phone\n", mtime=0), "is compressed, or a spreadsheet"),
        (b"username,id\n1,2\n", "has no column phone: say why"),
        (b"phone,id,phone\n1,2,3\n", "has two columns phone"),
        (b'phone\n"1\n2\n', "line 3 is not valid CSV"),
        (b'[{"phone": "1"}]', "begins like one JSON document: an import reads an object a line"),
        (b'{"phone": "1"},\n{"phone": "2"}\n', "without commas between them"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(of_text(tmp_path, text))


def test_a_folder_a_pipe_and_a_missing_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        read(make(tmp_path))
    with pytest.raises(ConfigurationError, match="No such file"):
        read(make(tmp_path / "missing.csv"))
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        read(make(pipe))
