"""Which URLs of the older service belong to the bucket that an operator names."""

import pytest

from entrypoints.commands.imports.hookaba_files import BucketUrls

URLS = BucketUrls("images", endpoint_host="127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "https://images.s3.us-east-1.amazonaws.com/cat.jpg",
        "https://images.s3.amazonaws.com/cat.jpg",
        "https://images.s3-eu-west-1.amazonaws.com/cat.jpg?versionId=1",
        "https://IMAGES.s3.cn-north-1.amazonaws.com.cn/cat.jpg",
        "https://s3.us-east-1.amazonaws.com/images/cat.jpg",
        "http://127.0.0.1:9000/images/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com/c%61t.jpg",
    ],
)
def test_the_path_of_a_url_of_the_bucket_is_the_key(url: str) -> None:
    assert URLS.find_key(url) == "cat.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cat.jpg",
        "file:///images/cat.jpg",
        "https://other.s3.us-east-1.amazonaws.com/cat.jpg",
        "https://other.s3.us-east-1.amazonaws.com/images/cat.jpg",
        "https://more.images.s3.us-east-1.amazonaws.com/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com.example.org/cat.jpg",
        "https://images.example.org/cat.jpg",
        "https://s3.us-east-1.amazonaws.com/other/cat.jpg",
        "https://images.s3.us-east-1.amazonaws.com/",
        "https://images.s3.us-east-1.amazonaws.com/../secret.jpg",
        "https://images.s3.us-east-1.amazonaws.com/a/%2e%2e/%2e%2e/secret.jpg",
        "https://images.s3.us-east-1.amazonaws.com//etc/passwd",
        "https://images.s3.us-east-1.amazonaws.com/a%00b",
        "https://[images.s3.amazonaws.com/cat.jpg",
    ],
)
def test_any_other_url_is_no_file_of_the_bucket(url: str) -> None:
    assert URLS.find_key(url) is None


def test_a_prefix_is_where_the_files_are_in_the_bucket() -> None:
    urls = BucketUrls("images", prefix="older/")

    assert urls.find_key("https://images.s3.amazonaws.com/cat.jpg") == "older/cat.jpg"
    assert urls.find_key("https://images.s3.amazonaws.com/older/cat.jpg") == "older/cat.jpg"


def test_a_key_may_have_the_narrow_space_of_screenshots() -> None:
    url = "https://images.s3.amazonaws.com/Screenshot 9.41\u202fAM.png"
    assert URLS.find_key(url) == "Screenshot 9.41\u202fAM.png"
