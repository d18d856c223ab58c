"""Addresses that open a file of a private bucket for a while, without a token.

AWS Signature Version 4 in the query string,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. The library's own
signer takes the time from the system's clock, so each of its addresses is another one; these
are signed as of the full hour, so that an address stays the same within it and caches hit.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from adapters.s3.folder import Access, Folder
from application.ports.media_files import MediaUrl

LIFETIME: Final = timedelta(days=1)
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs addresses below `base`, which ends with a slash."""

    base: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)

    def address(self, name: str, now: datetime) -> MediaUrl:
        """Give the address of a file, good for at least `LIFETIME` less an hour."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        place = urlsplit(self.base + quote(name, safe="/~"))
        stamp, scope = f"{hour:%Y%m%dT%H%M%SZ}", f"{hour:%Y%m%d}/{self.region}/s3/aws4_request"
        query = _query(
            {
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Credential": f"{self.access_key}/{scope}",
                "X-Amz-Date": stamp,
                "X-Amz-Expires": str(int(LIFETIME.total_seconds())),
                "X-Amz-SignedHeaders": "host",
            }
        )
        request = f"GET\n{place.path}\n{query}\nhost:{_host(place)}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        signature = _mac(self._key(scope), to_sign).hex()
        url = f"{place.geturl()}?{query}&X-Amz-Signature={signature}"
        return MediaUrl(url, expires_at=hour + LIFETIME)

    def _key(self, scope: str) -> bytes:
        return reduce(_mac, scope.split("/"), f"AWS4{self.secret_key}".encode())


async def signer_of(folder: Folder, access: Access) -> Signer:
    """Make a signer for the folder, at the address that the library has for it; asks nobody."""
    name = "name"
    signed = await folder.client.generate_presigned_url(
        "get_object", Params={"Bucket": folder.bucket, "Key": folder.key(name)}
    )
    base = signed.partition("?")[0].removesuffix(name)
    return Signer(base, access.region, access.access_key, access.secret_key)


def _host(place: SplitResult) -> str:
    """The header as clients send it: without the port that goes without saying."""
    return place.netloc.removesuffix(_USUAL_PORTS.get(place.scheme, ""))


def _query(parameters: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
