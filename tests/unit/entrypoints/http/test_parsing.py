"""A body in which a key comes twice is rejected: programs read it differently."""

import pytest

from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.app_data.api import SetClaimsBody
from entrypoints.http.features.legacy_otp import LegacyGetOtpBody
from entrypoints.http.requests.parsing import parse_json


@pytest.mark.parametrize(
    ("content", "field", "key"),
    [
        (b'{"claims": {"a": 1, "b": 2, "\\u0061": 1}}', "claims", "a"),
        (b'{"claims": {"of": [{}, [{"": 1, "": 2}]]}}', "claims", ""),
        (b'{"claims": {"claims": {"a": {"b": {}, "c": 1, "b": {}}}}}', "claims", "b"),
        # The last value alone would be valid.
        (b'{"claims": 7, "claims": {}}', "claims", "claims"),
        (b'{"claims": {"%s": 1, "%s": 2}}' % (b"k" * 99, b"k" * 99), "claims", "k" * 64),
    ],
)
def test_the_error_names_the_field_and_the_key(content: bytes, field: str, key: str) -> None:
    with pytest.raises(InvalidFields) as error:
        parse_json(content, SetClaimsBody)
    [found] = error.value.field_errors
    assert (found.field, found.code) == (field, "repeated_field")
    assert found.message == f"Send the key '{key}' only once."


def test_a_key_may_come_again_in_another_object_and_in_an_ignored_field() -> None:
    claims = b'{"claims": {"a": [{"a": 1}, {"a": 2}], "b": {"a": 1e9}}, "reason": "a"}'
    assert parse_json(claims, SetClaimsBody).claims["b"] == {"a": 1e9}
    ignored = b'{"x": {"a": 1, "a": %s}, "phone": "+1", "x": "\xff"}' % (b"1" * 5_000)
    assert parse_json(ignored, LegacyGetOtpBody).phone == "+1"
