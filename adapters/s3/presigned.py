"""Presigned URLs: they open a file of a private bucket for a limited time, without a token.

AWS Signature Version 4 in the query string, see
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. botocore signs with
the current time, so that each of its URLs is different. These are signed with the full hour: a
URL stays the same within an hour, and caches work.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from adapters.s3.bucket import Bucket
from adapters.s3.client import Connection
from application.ports.media_files import MediaUrl

URL_TTL: Final = timedelta(days=1)
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class UrlSigner:
    """Signs URLs below `base_url`, which ends with a slash.

    `overrides` are query parameters that replace headers of the object in the response, such as
    `response-cache-control`.
    """

    base_url: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict)

    def sign(self, storage_key: str, now: datetime) -> MediaUrl:
        """Return a URL that is valid for `URL_TTL`, counted from the last full hour."""
        signed_at = now.replace(minute=0, second=0, microsecond=0)
        url = urlsplit(self.base_url + quote(storage_key, safe="/~"))
        timestamp = f"{signed_at:%Y%m%dT%H%M%SZ}"
        scope = f"{signed_at:%Y%m%d}/{self.region}/s3/aws4_request"
        query = _query(
            {
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Credential": f"{self.access_key}/{scope}",
                "X-Amz-Date": timestamp,
                "X-Amz-Expires": str(int(URL_TTL.total_seconds())),
                "X-Amz-SignedHeaders": "host",
                **self.overrides,
            }
        )
        request = f"GET\n{url.path}\n{query}\nhost:{_host(url)}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        string_to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
        signature = _hmac(self._signing_key(scope), string_to_sign).hex()
        signed_url = f"{url.geturl()}?{query}&X-Amz-Signature={signature}"
        return MediaUrl(signed_url, expires_at=signed_at + URL_TTL)

    def _signing_key(self, scope: str) -> bytes:
        return reduce(_hmac, scope.split("/"), f"AWS4{self.secret_key}".encode())


async def make_url_signer(bucket: Bucket, connection: Connection) -> UrlSigner:
    """Make a signer with the bucket's URL as botocore has it. This sends no request."""
    storage_key = "name"
    presigned_url = await bucket.client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket.name, "Key": bucket.object_key(storage_key)}
    )
    base_url = presigned_url.partition("?")[0].removesuffix(storage_key)
    return UrlSigner(
        base_url,
        connection.region,
        connection.access_key,
        connection.secret_key,
        # A shared cache must not keep the file after the URL has expired.
        {"response-cache-control": "private, max-age=3600"},
    )


def _host(url: SplitResult) -> str:
    """Return the Host header as clients send it: without the default port."""
    return url.netloc.removesuffix(_DEFAULT_PORTS.get(url.scheme, ""))


def _query(parameters: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
