"""Buckets and who opens them, as they are written in settings."""

import re
from typing import Final

from domain.errors import InvalidValue
from entrypoints.settings.kinds import S3Bucket
from entrypoints.settings.words import matching

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and what may
# stand in a key without being escaped.
_PART: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9_!.*'()-]+"
_BUCKET: Final = re.compile(
    r"s3://(?!(?:[0-9]+\.){3}[0-9]+(?:/|$))"
    r"(?P<bucket>[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9])"
    rf"(?:/(?P<prefix>{_PART}(?:/{_PART})*))?/?"
)


def read_bucket(text: str) -> S3Bucket:
    """Read `s3://bucket/prefix`; the prefix stands without slashes around it."""
    found = _BUCKET.fullmatch(text)
    if found is None:
        raise InvalidValue(
            "Takes s3://bucket or s3://bucket/prefix: the bucket in 3 to 63 small letters, digits, "
            "- and single dots; in the prefix letters, digits and _ - . ! * ' ( ) between slashes."
        )
    return S3Bucket(found["bucket"], found["prefix"] or "")


# Both stand between slashes in the signature of every request.
read_access_key_id = matching(
    r"(?:(?![,/=])[!-~])+", "Takes the id of an access key, with no space, comma, slash or =."
)
read_region = matching(
    r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "Takes a region: letters, digits and - between them.",
)
