"""The shared bucket as tests see it, past the service."""

from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config

from tests.support.servers.s3_server import S3Server


class S3Bucket:
    """What is in the bucket of a server."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self._name = server.bucket

    def keys(self, prefix: str) -> list[str]:
        """What is there, in order."""
        found = self.client.list_objects_v2(Bucket=self._name, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def unfinished(self, prefix: str) -> list[str]:
        """The keys of uploads that were begun and never ended, in order."""
        found = self.client.list_multipart_uploads(Bucket=self._name, Prefix=prefix)
        return [one["Key"] for one in found.get("Uploads", [])]

    def begin_upload(self, key: str) -> None:
        """Leave an upload of one part unfinished."""
        begun = self.client.create_multipart_upload(Bucket=self._name, Key=key)
        self.client.upload_part(
            Bucket=self._name, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"half"
        )

    @cached_property
    def client(self) -> Any:
        """The library's own client, which waits for its answers."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.server.endpoint,
            region_name=self.server.region,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4", proxies={}),
        )
