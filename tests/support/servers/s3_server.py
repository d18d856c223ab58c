"""An S3 server as tests see it."""

from dataclasses import dataclass
from typing import Final

BUCKET: Final = "dialtone-tests"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it is, keys that may do everything there, and a bucket that is there already."""

    endpoint: str
    access_key: str = "dialtone-tests"
    secret_key: str = "dialtone-tests-secret"
    region: str = "us-east-1"
    bucket: str = BUCKET

    def environ(self) -> dict[str, str]:
        """The environment of a service that keeps its media there."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "DIALTONE_S3_ENDPOINT": self.endpoint,
        }
