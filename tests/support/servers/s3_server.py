"""An S3 server of tests: its settings, and its bucket without the service."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True, slots=True)
class S3Server:
    """The endpoint, a bucket, and keys that have all permissions."""

    endpoint: str
    access_key: str = "dialtone-tests"
    secret_key: str = "dialtone-tests-secret"
    region: str = "us-east-1"
    bucket: str = "dialtone-tests"

    def environ(self) -> dict[str, str]:
        """Return the environment of a service that stores its media on this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "DIALTONE_S3_ENDPOINT": self.endpoint,
        }

    @property
    def client(self) -> Any:
        """A synchronous client of botocore."""
        return _client(self)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all files, in order."""
        response = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [file["Key"] for file in response.get("Contents", [])]

    def unfinished(self, prefix: str) -> list[str]:
        """Return the keys of unfinished multipart uploads, in order."""
        response = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=prefix)
        return [upload["Key"] for upload in response.get("Uploads", [])]

    def begin_upload(self, key: str) -> None:
        """Leave a multipart upload of one part unfinished."""
        where = {"Bucket": self.bucket, "Key": key}
        upload = self.client.create_multipart_upload(**where)
        part = {"UploadId": upload["UploadId"], "PartNumber": 1, "Body": b"half"}
        self.client.upload_part(**where, **part)

    def find_error(self) -> str:
        """Store, load and delete a file; return the error, or nothing if the server is usable."""
        key = {"Bucket": self.bucket, "Key": "health-check"}
        try:
            self.client.put_object(**key, Body=b"content")
            self.client.get_object(**key)["Body"].read()
            self.client.delete_object(**key)
        except (BotoCoreError, ClientError) as error:
            return str(error)
        return ""

    def create_bucket(self) -> None:
        """Create the bucket if it does not exist."""
        try:
            self.client.head_bucket(Bucket=self.bucket)
        except ClientError:
            self.client.create_bucket(Bucket=self.bucket)

    def version(self) -> str:
        """Return the name and the version that the server sends."""
        response = self.client.head_bucket(Bucket=self.bucket)
        return f"S3 by {response['ResponseMetadata']['HTTPHeaders'].get('server', 'unknown')}"


@cache
def _client(server: S3Server) -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            signature_version="s3v4",
            proxies={},
        ),
    )
