"""What the documents of hookaba-backend mean to an import."""

from typing import Any

import pytest
from bson import ObjectId

from adapters.imports.hookaba import BucketUrls, map_item, map_user
from application.features.imports.import_user import ImportedUser
from application.features.imports.ports import Document
from application.features.imports.sources import ImportedItem, SourceItem, SourceUser
from application.features.imports.user_lines import InvalidLine, LineProblem
from domain.phone import parse_phone
from tests.support.builders import an_id
from tests.support.fakes.import_source import (
    JOINED_AT,
    UPLOADED_AT,
    a_user_document,
    an_item_document,
)

URLS = BucketUrls("bucket")
IMAGES = BucketUrls("images", endpoint_host="127.0.0.1")


def map_a_user(document: Document) -> SourceUser:
    return map_user(document, parse_phone)


def unreadable(mapped: SourceUser | SourceItem) -> str:
    problem = mapped.user if isinstance(mapped, SourceUser) else mapped.item
    assert isinstance(problem, InvalidLine)
    assert problem.problem is LineProblem.UNREADABLE
    return problem.message.split()[1]


def test_a_user_has_id_number_name_and_time() -> None:
    mapped = map_a_user(a_user_document(email="a@b", nick=None))

    phone = parse_phone("+14155552671")
    user = ImportedUser(phone=phone, id=an_id(1), username="User 1", created_at=JOINED_AT)
    assert mapped == SourceUser(an_id(1), user, unread=["email"])


def test_a_row_has_id_owner_key_category_and_time() -> None:
    # An owner may be an id of the database.
    mapped = map_item(an_item_document(type="gif", user_id=ObjectId(an_id(1))), URLS)

    item = ImportedItem(an_id(101), an_id(1), "101.gif", "pets", UPLOADED_AT)
    assert mapped == SourceItem(an_id(101), item, unread=["type"])


def test_without_name_and_time_a_user_has_the_time_of_the_id() -> None:
    user = map_a_user(Document(an_id(1), JOINED_AT, {"number": "+14155552671"})).user

    assert isinstance(user, ImportedUser)
    assert (user.username, user.created_at) == (None, JOINED_AT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": None}, "number"),
        ({"number": "+1415555\ufffd"}, "number"),
        ({"username": "As\ufffda"}, "username"),
        ({"created_on": "yesterday"}, "created_on"),
    ],
)
def test_a_user_that_cannot_be_read_names_the_field(changes: dict[str, Any], field: str) -> None:
    assert unreadable(map_a_user(a_user_document(**changes))) == field


@pytest.mark.parametrize("field", ["url", "user_id", "category", "created_at"])
def test_a_row_that_cannot_be_read_names_the_field(field: str) -> None:
    assert unreadable(map_item(an_item_document(**{field: 1}), URLS)) == field


def test_an_id_of_another_form_cannot_be_read() -> None:
    document = a_user_document()

    assert unreadable(map_a_user(Document("42", None, document.fields))) == "_id"


@pytest.mark.parametrize(("admin", "expected"), [(True, True), ("yes", True), ("false", False)])
def test_administrators_are_noted(admin: object, expected: bool) -> None:
    assert (map_a_user(a_user_document(admin=admin)).note is not None) is expected


@pytest.mark.parametrize(
    "url",
    [
        "https://images.s3.us-east-1.amazonaws.com/cat.jpg",
        "https://IMAGES.s3-eu-west-1.amazonaws.com.cn/cat.jpg?versionId=1",
        "https://s3.us-east-1.amazonaws.com/images/cat.jpg",
        "http://127.0.0.1:9000/images/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com/c%61t.jpg",
    ],
)
def test_the_path_of_a_url_of_the_bucket_is_the_key(url: str) -> None:
    assert IMAGES.find_key(url) == "cat.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "https://other.s3.us-east-1.amazonaws.com/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com.example.org/cat.jpg",
        "https://s3.us-east-1.amazonaws.com/other/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com/a/%2e%2e/%2e%2e/secret.jpg",
        "https://images.s3.us-east-1.amazonaws.com/a%00b",
        "https://[images.s3.amazonaws.com/cat.jpg",
    ],
)
def test_any_other_url_is_no_file_of_the_bucket(url: str) -> None:
    assert IMAGES.find_key(url) is None


def test_a_prefix_is_where_the_files_are_in_the_bucket() -> None:
    urls = BucketUrls("images", prefix="older/")

    # A key may have the narrow space of screenshots.
    for path in ("cat.jpg", "older/cat.jpg", "9.41\u202fAM.png"):
        key = f"older/{path.removeprefix('older/')}"
        assert urls.find_key(f"https://images.s3.amazonaws.com/{path}") == key
