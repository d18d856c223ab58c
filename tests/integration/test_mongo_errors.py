import pytest
from bson.errors import InvalidBSON
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from adapters.mongo.errors import DatabaseNotUsable, NotUnique, at_run_time, told_to_the_operator

SECRET = "what nobody may read"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AutoReconnect(SECRET), "AutoReconnect"),
        (ServerSelectionTimeoutError(SECRET), "ServerSelectionTimeoutError"),
        (OperationFailure(SECRET, 13, {"errmsg": SECRET}), "OperationFailure 13"),
        (WriteConcernError(SECRET, 64, {"errmsg": SECRET}), "WriteConcernError 64"),
        (DuplicateKeyError(SECRET, 11000, {"keyValue": {"a": SECRET}}), "DuplicateKeyError 11000"),
        (InvalidOperation(SECRET), "InvalidOperation"),
        (InvalidBSON(SECRET), "InvalidBSON"),
    ],
)
def test_the_text_is_the_kind_of_error_and_its_number(error: Exception, text: str) -> None:
    assert str(at_run_time(error)) == text


def test_it_is_told_which_index_refused_a_write() -> None:
    error = DuplicateKeyError("", 11000, {"keyPattern": {"username_key": 1}})

    refusal = at_run_time(error)

    assert isinstance(refusal, NotUnique)
    assert refusal.fields == {"username_key"}


@pytest.mark.parametrize("details", [None, {}])
def test_a_server_that_does_not_tell_which_is_no_trouble(details: dict[str, object] | None) -> None:
    refusal = at_run_time(DuplicateKeyError("", 11000, details))

    assert isinstance(refusal, NotUnique)
    assert refusal.fields == frozenset()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AutoReconnect(SECRET), "no server that answers"),
        (ConfigurationError(SECRET), "cannot be found"),
        (OperationFailure(SECRET, 18), "refuses the user or the password"),
        (OperationFailure(SECRET, 8000), "refuses the user or the password"),
        (OperationFailure(SECRET, 13), "does not let this user read and write"),
        (OperationFailure(SECRET, 96), "cannot be opened (OperationFailure 96)"),
        (PyMongoError(SECRET), "cannot be opened (PyMongoError)"),
    ],
)
def test_the_operator_is_told_what_to_do(error: Exception, words: str) -> None:
    with pytest.raises(DatabaseNotUsable) as refusal, told_to_the_operator("host/name"):
        raise error

    assert str(refusal.value).startswith("host/name ")
    assert words in str(refusal.value)
    assert SECRET not in str(refusal.value)
