"""Health check of the bucket."""

from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

from botocore.exceptions import ClientError

from adapters.s3.bucket import Bucket
from adapters.s3.errors import status_of
from application.ports.system import Clock

WRITE_CHECK_INTERVAL: Final = timedelta(minutes=1)
_STORAGE_KEY: Final = ".health-check"


class S3HealthCheck:
    """Checks whether the bucket exists and, once a minute, whether it is writable.

    - Only a write detects missing permissions and a full store.
    - Writes cost money, and anyone can request readiness. So a successful write check is valid
      for a minute. Between write checks only HEAD is sent, the cheapest request; it detects
      an unreachable store, a missing bucket and a revoked key.
    """

    def __init__(self, bucket: Bucket, clock: Clock) -> None:
        """Check this bucket."""
        self._bucket = bucket
        self._clock = clock
        self._written_at: datetime | None = None

    async def check(self) -> None:
        """Raise an exception of botocore or aiohttp if the bucket is not usable."""
        # HEAD goes first: some stores create a missing bucket on the first write.
        await self._check_exists()
        now = self._clock.now()
        # A time in the future means that the clock was set back: it would be valid for too long.
        if (
            self._written_at is None
            or not self._written_at <= now < self._written_at + WRITE_CHECK_INTERVAL
        ):
            await self._bucket.write(_STORAGE_KEY, BytesIO(b"health check"), "text/plain")
            await self._bucket.delete(_STORAGE_KEY)
            self._written_at = now

    async def _check_exists(self) -> None:
        try:
            await self._bucket.client.head_bucket(Bucket=self._bucket.name)
        except ClientError as error:
            if status_of(error) not in (400, 403):
                raise
            # A response to HEAD has no body. The response to this request names the error.
            await self._bucket.client.list_objects_v2(
                Bucket=self._bucket.name, Prefix=self._bucket.object_key(_STORAGE_KEY), MaxKeys=1
            )
