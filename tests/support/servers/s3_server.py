"""An S3 server of tests: its settings, its health check, and its bucket."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET: Final = "dialtone-tests"
_HEALTH_CHECK_KEY: Final = "health-check"


@dataclass(frozen=True, slots=True)
class S3Server:
    """The endpoint, an existing bucket, and keys that have all permissions."""

    endpoint: str
    access_key: str = "dialtone-tests"
    secret_key: str = "dialtone-tests-secret"
    region: str = "us-east-1"
    bucket: str = BUCKET

    def environ(self) -> dict[str, str]:
        """Return the environment of a service that stores its media on this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "DIALTONE_S3_ENDPOINT": self.endpoint,
        }


class S3HealthCheck:
    """A client that tries each operation once."""

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
        self.error = ""

    def is_healthy(self) -> bool:
        """Store, load and delete a file; `error` has the reason of a failure.

        A server that only responds to other requests is not ready yet.
        """
        key = {"Bucket": self._server.bucket, "Key": _HEALTH_CHECK_KEY}
        content = b"content"
        try:
            self._client.put_object(**key, Body=content)
            loaded = self._client.get_object(**key)["Body"].read()
            self._client.delete_object(**key)
        except (BotoCoreError, ClientError) as error:
            self.error = str(error)
            return False
        return bool(loaded == content)

    def create_bucket(self) -> None:
        """Create the bucket if it does not exist."""
        bucket = {"Bucket": self._server.bucket}
        try:
            self._client.head_bucket(**bucket)
        except ClientError:
            self._client.create_bucket(**bucket)

    def version(self) -> str:
        """Return the name and version that the server sends."""
        response = self._client.list_objects_v2(Bucket=self._server.bucket, MaxKeys=1)
        return str(response["ResponseMetadata"]["HTTPHeaders"].get("server", "unknown"))


class S3Bucket:
    """The bucket of a server, without the service."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self._name = server.bucket

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all files, in order."""
        response = self.client.list_objects_v2(Bucket=self._name, Prefix=prefix)
        return [file["Key"] for file in response.get("Contents", [])]

    def unfinished(self, prefix: str) -> list[str]:
        """Return the keys of unfinished multipart uploads, in order."""
        response = self.client.list_multipart_uploads(Bucket=self._name, Prefix=prefix)
        return [upload["Key"] for upload in response.get("Uploads", [])]

    def begin_upload(self, key: str) -> None:
        """Leave a multipart upload of one part unfinished."""
        upload = self.client.create_multipart_upload(Bucket=self._name, Key=key)
        self.client.upload_part(
            Bucket=self._name, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"half"
        )

    @cached_property
    def client(self) -> Any:
        """A synchronous client of botocore."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.server.endpoint,
            region_name=self.server.region,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4", proxies={}),
        )
