"""The list of users."""

from tests.support.service import REASON
from tests.support.walker import Walker


def test_an_operator_lists_users(walker: Walker) -> None:
    walker.sign_up("+14155570801", "List Walk")
    listed = walker.service.run("user", "list", *REASON)
    assert '"username":"List Walk"' in listed.stdout
