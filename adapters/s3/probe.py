from datetime import datetime, timedelta
from typing import Final

from botocore.exceptions import ClientError

from adapters.s3.errors import status_of
from adapters.s3.folder import Folder
from adapters.s3.storing import remove, store
from application.ports.clock import Clock

PROOF_HOLDS: Final = timedelta(minutes=1)
_NAME: Final = ".probe"


class BucketProbe:
    """Looks whether the bucket is there, and now and then whether it can be written.

    That one can write is only known by writing: permission and space are missed by every
    question. But writes are paid for, and whoever can ask for readiness would make us pay: so
    a proof holds for a minute, and between proofs only the cheapest of questions is asked,
    which a lost store, bucket or key fails at once.
    """

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._proved: datetime | None = None

    async def look(self) -> None:
        """Raise what the library raises unless the bucket would do its work now."""
        # First, since some stores make a bucket that is missing when something is put into it.
        await self._find()
        now = self._clock.now()
        # One from later than now is of a clock that stepped back: it would hold for too long.
        if self._proved is None or not self._proved <= now < self._proved + PROOF_HOLDS:
            await self._prove()
            self._proved = now

    async def _find(self) -> None:
        try:
            await self._folder.client.head_bucket(Bucket=self._folder.bucket)
        except ClientError as error:
            if status_of(error) not in (400, 403):
                raise
            # HEAD says no more than that; the answer to this one says what is wrong.
            await self._folder.client.list_objects_v2(
                Bucket=self._folder.bucket, Prefix=self._folder.key(_NAME), MaxKeys=1
            )

    async def _prove(self) -> None:
        await store(self._folder, _NAME, b"probe", "text/plain")
        await remove(self._folder, _NAME)
