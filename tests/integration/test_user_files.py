"""Files of users: the exports of other services, and files that cannot be read."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.user_files import UserFile
from adapters.user_files.json_users import MAX_RECORD_LENGTH
from application.imports.import_user import ImportedUser
from application.imports.user_lines import InvalidLine, LineProblem, UserLine, parse_user_line
from application.ports.errors import ConfigurationError
from domain.identities.external_id import ExternalId
from domain.phone import DEFAULT_RULES, parse_phone
from tests.support.builders import NOW

SAMPLES: Final = Path(__file__).parents[1] / "support/samples/imports"
RAHUL, ASHA = parse_phone("+14155550101"), parse_phone("+447400123456")
ZOE = parse_phone("+447400123457")
MORNING: Final = datetime(2020, 5, 1, 9, 30, tzinfo=UTC)
OTHER_UUID: Final = ExternalId("6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b")
UUID: Final = ExternalId("eaad0219-2117-439f-8d46-4db20e59268f")


def parse(line: UserLine) -> ImportedUser | LineProblem:
    try:
        return parse_user_line(line, None, DEFAULT_RULES, NOW)
    except InvalidLine as error:
        return error.problem


def read(file: UserFile) -> list[ImportedUser | LineProblem]:
    return [parse(line) for line in file.read()]


def of_text(tmp_path: Path, text: str | bytes, **options: Any) -> UserFile:
    path = tmp_path / "users"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return UserFile(path=path, **{"ignores_blocks": "blocked" not in str(text), **options})


def phones_of(file: UserFile) -> list[str | LineProblem]:
    return [user.phone.e164 if isinstance(user, ImportedUser) else user for user in read(file)]


def a_user(external_id: str, username: str | None = None, **options: Any) -> ImportedUser:
    fields: dict[str, Any] = {"phone": RAHUL, "created_at": MORNING} | options
    return ImportedUser(external_id=ExternalId(external_id), username=username, **fields)


FIREBASE_IDS: Final = ("WZ1yPQWbPfMZ9rVDUUQvgGMZLNH2", "k3bXyE9aPTSf0sGm1cFqVn8LtRz1")
FIREBASE: Final[list[ImportedUser | LineProblem]] = [
    a_user(FIREBASE_IDS[0], "Rahul Sharma"),
    a_user(FIREBASE_IDS[1], phone=ASHA, is_blocked=True),
]
BLOCKED_ASHA: Final = a_user(
    "sms|60d1f2b7a1c2d3e4f5a6b7ca", "Asha Rao", phone=ASHA, is_blocked=True
)
NOT_VERIFIED: Final = LineProblem.PHONE_NOT_VERIFIED
SUPABASE: Final[list[ImportedUser | LineProblem]] = [
    a_user(UUID, "Rahul Sharma", created_at=MORNING.replace(microsecond=123456)),
    NOT_VERIFIED,
    a_user(OTHER_UUID, phone=ASHA, is_blocked=True),
]
IN_2021: Final = datetime(2021, 5, 1, tzinfo=UTC)
EXPORTS: Final[dict[str, list[ImportedUser | LineProblem]]] = {
    "dialtone.csv": [
        ImportedUser(
            phone=RAHUL,
            id="5f7c8ec7c33c6c004bbafe82",
            username="Rahul Sharma",
            created_at=MORNING,
        ),
        a_user("member 42", "Asha\nRao", phone=ASHA, created_at=IN_2021, is_blocked=True),
    ],
    "firebase.json": FIREBASE,
    "firebase.csv": FIREBASE,
    "cognito.json": [
        a_user(UUID, "Rahul Sharma"),
        NOT_VERIFIED,
        a_user(OTHER_UUID, phone=ZOE, is_blocked=True),
    ],
    "cognito.csv": [
        a_user(UUID, "Rahul Sharma", created_at=None),
        NOT_VERIFIED,
        a_user(OTHER_UUID, "Asha Rao", phone=ZOE, created_at=None, is_blocked=True),
    ],
    # The name of somebody who signs in by SMS there is the phone number.
    "auth0.ndjson": [
        *(a_user("sms|5f7c8ec7c33c6c004bbafe82"), NOT_VERIFIED),
        *(LineProblem.NO_PHONE, BLOCKED_ASHA),
    ],
    "auth0.csv": [a_user("sms|5f7c8ec7c33c6c004bbafe82", 'Rahul "Raj" Sharma'), BLOCKED_ASHA],
    "supabase.csv": [*SUPABASE, a_user(f"{OTHER_UUID[:-1]}c", phone=ZOE)],
    "supabase.json": SUPABASE,
}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_exports_of_other_services_are_read(name: str) -> None:
    format_name = "firebase" if name == "firebase.csv" else None
    assert read(UserFile(path=SAMPLES / name, format_name=format_name)) == EXPORTS[name]
    assert {path.name for path in SAMPLES.iterdir()} == EXPORTS.keys()


def test_lines_are_numbered_by_where_they_begin(tmp_path: Path) -> None:
    text = '\ufeffphone,username\r\n\r\n+14155550101,"Two\r\nlines"\r\n+14155550102,A\r\n'
    assert [line.number for line in of_text(tmp_path, text).read()] == [3, 5]
    pretty = json.dumps([{"phone": "+14155550101"}, {"phone": "+14155550102"}], indent=2)
    assert [line.number for line in of_text(tmp_path, pretty).read()] == [2, 5]
    lines = '{"phone": "+14155550101"}\n\n{"phone": "+14155550102"}\n'
    assert [line.number for line in of_text(tmp_path, lines).read()] == [1, 3]


def test_a_document_of_one_long_line_is_read_piece_by_piece(tmp_path: Path) -> None:
    users = [{"localId": f"{number}", "phoneNumber": "+14155550101"} for number in range(40_000)]
    file = of_text(tmp_path, json.dumps({"users": users}))
    assert file.path.stat().st_size > 2 * MAX_RECORD_LENGTH
    assert [line.fields.external_id for line in file.read() if line.fields][-1] == "39999"


def test_columns_may_have_other_names_and_another_delimiter(tmp_path: Path) -> None:
    file = of_text(
        tmp_path,
        "member;mobile\n42;+14155550101\n",
        columns={"phone": "mobile", "id": "member"},
        delimiter=";",
    )
    assert read(file) == [ImportedUser(phone=RAHUL, external_id=ExternalId("42"))]


def unread_of(file: UserFile) -> list[list[str]]:
    return [[*line.unread] for line in file.read()]


def test_fields_with_a_value_that_are_not_read_are_known(tmp_path: Path) -> None:
    rows = "phone,email,id,nick\n+14155550101,a@example.com,1,\n+14155550102,,2,Zoe\n"
    assert unread_of(of_text(tmp_path, rows)) == [["email"], ["nick"]]
    attributes = [{"Name": "phone_number", "Value": "1"}, {"Name": "custom:plan", "Value": "x"}]
    cognito = {"Username": "a", "Attributes": attributes, "Enabled": True, "MFAOptions": []}
    assert unread_of(of_text(tmp_path, json.dumps(cognito))) == [["custom:plan", "Enabled"]]
    supabase = "phone,phone_confirmed_at,raw_user_meta_data\n"
    supabase += '1,2,"{""name"": ""Zoe"", ""avatar"": ""x""}"\n1,2,"{"\n'
    assert unread_of(of_text(tmp_path, supabase)) == [
        ["raw_user_meta_data.avatar"],
        ["raw_user_meta_data"],
    ]


@pytest.mark.parametrize(
    ("text", "options", "kind", "name"),
    [
        ("phone,id\n1,2\n", {}, "column", "blocked"),
        ("phone_number,cognito:username\n1,2\n", {}, "column", "Enabled"),
        ("phone,phone_confirmed_at\n1,2\n", {}, "column", "banned_until"),
        ("phoneNumber,localId\n1,2\n", {}, "column", "disabled"),
        ('{"phone": "1"}\n{"phone": "2"}\n', {}, "field", "blocked"),
        ('{"users": [{"localId": "1", "phoneNumber": "2"}]}', {}, "field", "disabled"),
        ('{"Users": [{"Username": "1", "Attributes": []}]}', {}, "field", "Enabled"),
    ],
)
def test_a_file_that_does_not_say_who_is_blocked_is_not_read(
    tmp_path: Path, text: str, options: dict[str, Any], kind: str, name: str
) -> None:
    strict = of_text(tmp_path, text, ignores_blocks=False, **options)
    with pytest.raises(ConfigurationError, match=f"has no {kind} {name}, which says who is"):
        read(strict)
    assert read(of_text(tmp_path, text, ignores_blocks=True, **options))


def test_blocks_are_in_a_column_of_another_name_or_ignored(tmp_path: Path) -> None:
    text = "phone,is_banned\n+14155550101,yes\n"
    named = of_text(tmp_path, text, columns={"blocked": "is_banned"}, ignores_blocks=False)
    assert read(named) == [ImportedUser(phone=RAHUL, is_blocked=True)]
    attributes = [
        {"Name": "phone_number", "Value": RAHUL.e164},
        {"Name": "custom:ban", "Value": "1"},
    ]
    user = json.dumps({"Username": "1", "Attributes": attributes})
    inside = of_text(tmp_path, user, columns={"blocked": "custom:ban"}, ignores_blocks=False)
    assert [line.fields and line.fields.blocked for line in inside.read()] == ["1"]
    ignored = of_text(tmp_path, "phone,blocked\n+14155550101,yes\n", ignores_blocks=True)
    assert read(ignored) == [ImportedUser(phone=RAHUL)]
    assert unread_of(ignored) == [["blocked"]]


def test_a_disabled_user_of_cognito_has_a_status_too(tmp_path: Path) -> None:
    user = {"Username": "1", "Attributes": [{"Name": "phone_number", "Value": RAHUL.e164}]}
    text = json.dumps({**user, "Enabled": True, "UserStatus": "COMPROMISED"})
    [read_user] = read(of_text(tmp_path, text, ignores_blocks=False))
    assert isinstance(read_user, ImportedUser)
    assert read_user.is_blocked


def test_a_line_that_cannot_be_read_is_rejected_alone(tmp_path: Path) -> None:
    lines = '{"phone": "+14155550101"}\n{"phone"\n7\n{"phone": 14155550102}\n'
    invalid = LineProblem.INVALID_LINE
    assert phones_of(of_text(tmp_path, lines)) == [
        "+14155550101", invalid, invalid, LineProblem.INVALID_PHONE,
    ]  # fmt: skip
    rows = "phone,id\n+14155550101,1\n+14155550102,2,3\n+14155550103\n+14155550104,4\n"
    assert phones_of(of_text(tmp_path, rows)) == [
        "+14155550101", invalid, invalid, "+14155550104",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('{"phone"\n{"phone": "123"}\n', ["record"]),
        ("phone,id,email\n1\n2,3,a@example.com\n", ["phone", "id", "email"]),
    ],
)
def test_all_lines_of_a_report_have_the_same_columns(
    tmp_path: Path, text: str, columns: list[str]
) -> None:
    lines = of_text(tmp_path, text, format_name="dialtone").read()
    assert [[*line.original] for line in lines] == [columns, columns]


def test_a_field_that_was_escaped_for_spreadsheets_is_read(tmp_path: Path) -> None:
    assert phones_of(of_text(tmp_path, "phone\n'+14155550101\n")) == ["+14155550101"]


def test_secrets_of_other_services_are_not_in_a_report() -> None:
    for name in ("firebase.json", "firebase.csv"):
        file = UserFile(path=SAMPLES / name, format_name="firebase")
        assert "lSrf" not in str([line.original for line in file.read()])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        ("phone\nZoë\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b"phone\n" + b"1" * (MAX_RECORD_LENGTH + 1), "line 2 has more than 1048576 bytes"),
        (b'{"phone": "' + b"1" * MAX_RECORD_LENGTH, "line 1 has more than 1048576 bytes"),
        (b"phone" + b"," * 500_000, "has 500,001 columns, and an import reads at most 1,000"),
        (b"phone\n" + b'"\n1",' * 300_000, "is in a record that has more than 1048576 bytes"),
        (gzip.compress(b"phone\n", mtime=0), "is compressed, or a spreadsheet"),
        (b"phone;id\n1;2\n", "semicolons between its fields: use --delimiter ';'"),
        (b"mobile,id\n1,2\n", "is of no known form. Its columns are: mobile, id. See --format"),
        (b"phone,phone\n1,2\n", "has two columns phone"),
        (b"+1 (415) 555-0101,Rahul\n", "begins with a phone number: put the names of the columns"),
        (b'{"tel:+14155550101": {}}\n', r"Its columns are: \(hidden\)\. See"),
        (b'phone\n"1\n2\n', "line 3 is not valid CSV"),
        (b'{"users": [{"localId": "1"}, {"localId', "line 1 begins a JSON value that is not valid"),
        (b"{\n", "has no list of users"),
        ('[{"localId": "Zoë"}]'.encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(of_text(tmp_path, text))


def test_a_folder_a_pipe_and_a_missing_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        read(UserFile(path=tmp_path))
    with pytest.raises(ConfigurationError, match="No such file"):
        read(UserFile(path=tmp_path / "missing.csv"))
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        read(UserFile(path=pipe))
    missing = of_text(tmp_path, "phone,id\n1,2\n", columns={"username": "name"})
    with pytest.raises(ConfigurationError, match="has no column name"):
        read(missing)
    with pytest.raises(ConfigurationError, match="has no column phone_number"):
        read(of_text(tmp_path, "phone,id\n1,2\n", format_name="auth0"))
