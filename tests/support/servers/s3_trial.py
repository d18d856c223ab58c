"""Trying an S3 server: what only answers is of no use yet."""

from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.servers.s3_server import S3Server

_KEY: Final = "trial"


class S3Trial:
    """A client of one server that asks for each thing once."""

    def __init__(self, server: S3Server) -> None:
        self._server = server
        self._client: Any = botocore.session.Session().create_client(
            "s3",
            endpoint_url=server.endpoint,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            region_name=server.region,
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )
        self.refusal = ""

    def succeeds(self) -> bool:
        """Whether the bucket takes a file and gives it back; `refusal` tells why not."""
        place = {"Bucket": self._server.bucket, "Key": _KEY}
        try:
            self._client.put_object(**place, Body=b"here")
            read = self._client.get_object(**place)["Body"].read()
            self._client.delete_object(**place)
        except (BotoCoreError, ClientError) as error:
            self.refusal = str(error)
            return False
        return bool(read == b"here")

    def make_bucket(self) -> None:
        """Make the bucket, unless it is there."""
        place = {"Bucket": self._server.bucket}
        try:
            self._client.head_bucket(**place)
        except ClientError:
            self._client.create_bucket(**place)

    def version(self) -> str:
        """What the server calls itself."""
        answer = self._client.list_objects_v2(Bucket=self._server.bucket, MaxKeys=1)
        return str(answer["ResponseMetadata"]["HTTPHeaders"].get("server", "unknown"))
