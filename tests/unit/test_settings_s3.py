"""A bucket, and what opens it."""

import pytest

from entrypoints.settings import read_settings
from entrypoints.settings.kinds import MediaFolder, S3Access, S3Bucket
from tests.support.settings import problem, refused, settings

GOOD = {
    "DIALTONE_MEDIA": "s3://pictures",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "a/secret+key=",
}


def test_a_bucket_is_amazons_unless_an_endpoint_is_named() -> None:
    usual = read_settings(GOOD, None)
    another = read_settings(
        GOOD | {"DIALTONE_S3_ENDPOINT": "http://127.0.0.1:8333/", "AWS_REGION": "auto"}, None
    )

    key_id, key = "AKIAIOSFODNN7EXAMPLE", "a/secret+key="
    assert usual.media == S3Bucket("pictures", "")
    assert usual.s3 == S3Access(None, "us-east-1", key_id, key)
    assert another.s3 == S3Access("http://127.0.0.1:8333", "auto", key_id, key)


@pytest.mark.parametrize(
    ("address", "bucket", "prefix"),
    [
        ("s3://abc", "abc", ""),
        ("s3://abc/", "abc", ""),
        ("s3://my-bucket.2/a", "my-bucket.2", "a"),
        ("s3://123/a/b-c_d/", "123", "a/b-c_d"),
        ("s3://abc/...", "abc", "..."),
        (f"s3://{'b' * 63}/it's.(ours)!*", "b" * 63, "it's.(ours)!*"),
    ],
)
def test_a_prefix_stands_without_slashes_around_it(address: str, bucket: str, prefix: str) -> None:
    read = read_settings(GOOD | {"DIALTONE_MEDIA": address}, None)

    assert read.media == S3Bucket(bucket, prefix)


@pytest.mark.parametrize(
    "address",
    [
        "s3://", "s3:///a", "s3://ab", f"s3://{'b' * 64}", "s3://Abc", "s3://a_c", "s3://-bc",
        "s3://ab-", "s3://.bc", "s3://a..c", "s3://10.0.0.1", "s3://10.0.0.1/a", "s3://abc:9000",
        "s3://user:word@abc/a", "S3://abc",
        "s3://abc//", "s3://abc//a", "s3://abc/a//b", "s3://abc/.", "s3://abc/../a", "s3://abc/a/..",
        "s3://abc/a b", "s3://abc/ä", "s3://abc/a?b", "s3://abc/a#b", "s3://abc/a%20b", "s3://abc/+",
    ],
)  # fmt: skip
def test_a_name_that_is_no_buckets_or_would_have_to_be_escaped_is_refused(address: str) -> None:
    assert "s3://bucket/prefix" in problem(MEDIA=address)


def test_each_key_that_a_bucket_needs_and_lacks_is_named_with_an_example() -> None:
    lines = refused({"DIALTONE_MEDIA": "s3://pictures", "AWS_ACCESS_KEY_ID": " "})

    assert list(lines) == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    for name, line in lines.items():
        assert line.startswith(f"{name}: It is not set, and an s3:// address")
        assert f" Example: {name}=" in line


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("AWS_ACCESS_KEY_ID", ["tops3cret x", "tops3cret/", "tops3cret,", "tops3cret=", "ä"]),
        ("AWS_SECRET_ACCESS_KEY", ["tops3cret\x1b[2J"]),
        (
            "AWS_REGION",
            ["tops3cret!", "eu west", "-eu", "eu-", "1", "eu.west", "eu/west", "e" * 64],
        ),
    ],
)
def test_a_value_that_no_request_can_be_signed_with_is_refused(name: str, texts: list[str]) -> None:
    for text in texts:
        lines = refused(GOOD | {name: text})

        assert list(lines) == [name]
        assert "tops3cret" not in lines[name]


def test_what_a_shell_holds_for_amazon_is_not_judged_where_nothing_uses_it() -> None:
    shell = {"AWS_ACCESS_KEY_ID": "a/b", "AWS_SECRET_ACCESS_KEY": "\x07", "AWS_REGION": "?"}

    for media in ("", "file:pictures", "my.package:factory"):
        environ = {"DIALTONE_MEDIA": media}
        assert read_settings(environ | shell, None) == read_settings(environ, None)


def test_an_endpoint_without_a_bucket_is_judged_and_changes_nothing() -> None:
    read = settings(S3_ENDPOINT="http://s3.test", MEDIA="file:///srv")

    assert (read.media, read.s3) == (settings(MEDIA="file:///srv").media, None)
    assert isinstance(read.media, MediaFolder)
    assert "Takes an address with http" in problem(S3_ENDPOINT="s3.test")
