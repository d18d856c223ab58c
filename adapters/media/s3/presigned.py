"""Presigned URLs: they open a file of a private bucket for a limited time, without a token.

botocore signs with the current time, so that each of its URLs is different. These are signed with
the beginning of the day: a URL stays the same within a day, and caches work. botocore computes the
signature; only its parameters are ours. See
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
"""

from datetime import datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote, urlencode

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from cachetools import LRUCache, cachedmethod

from adapters.media.s3.client import Bucket
from application.features.media.ports import URL_TTL, MediaUrl, url_expiry

_MAX_CACHED_URLS: Final = 4096


class UrlSigner:
    """Signs URLs below `base_url`, which ends with a slash.

    botocore takes 0.1 ms to sign, and a page has up to 100 items. So the latest URLs are cached.
    """

    def __init__(self, base_url: str, region: str, keys: ReadOnlyCredentials) -> None:
        """Sign with these keys, which do not expire."""
        self.base_url = base_url
        self._auth = S3SigV4QueryAuth(keys, "s3", region)
        self._urls = LRUCache[tuple[str, datetime], MediaUrl](_MAX_CACHED_URLS)

    def sign(self, storage_key: str, now: datetime) -> MediaUrl:
        """Return a URL that is valid until `url_expiry`."""
        return self._sign_until(storage_key, url_expiry(now))

    @cachedmethod(lambda self: self._urls)
    def _sign_until(self, storage_key: str, expires_at: datetime) -> MediaUrl:
        request = AWSRequest("GET")
        request.context["timestamp"] = timestamp = (expires_at - URL_TTL).strftime(SIGV4_TIMESTAMP)
        query = {
            # No cache keeps the file after the URL has expired.
            "response-cache-control": "private",
            "response-expires": format_datetime(expires_at, usegmt=True),
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": self._auth.scope(request),
            "X-Amz-Date": timestamp,
            "X-Amz-Expires": int(URL_TTL.total_seconds()),
            "X-Amz-SignedHeaders": "host",
        }
        path = quote(storage_key, safe="/~")
        request.url = f"{self.base_url}{path}?{urlencode(query, quote_via=quote)}"
        string_to_sign = self._auth.string_to_sign(request, self._auth.canonical_request(request))
        signature = self._auth.signature(string_to_sign, request)
        url = f"{request.url}&X-Amz-Signature={signature}"
        return MediaUrl(url, expires_at=expires_at)


async def make_url_signer(bucket: Bucket, region: str, keys: ReadOnlyCredentials) -> UrlSigner:
    """Make a signer with the bucket's URL as botocore has it. This sends no request."""
    storage_key = "name"
    presigned_url = await bucket.client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket.name, "Key": bucket.object_key(storage_key)}
    )
    return UrlSigner(presigned_url.partition("?")[0].removesuffix(storage_key), region, keys)
