"""Blocks, which act in a service that runs."""

from tests.support.service import REASON
from tests.support.walker import Walker


def test_a_block_of_a_command_acts_in_the_service_and_can_be_ended(walker: Walker) -> None:
    run, phone = walker.service.run, {"phone": "+14085571301"}

    def request() -> str:
        response = walker.http.post("/auth/request-otp", json=phone)
        fields = response.json().get("field_errors", ())
        return str(fields[0]["code"] if fields else response.json().get("code", ""))

    added = run("block", "add", "--prefix", "+1408557", "--for", "1h", *REASON)
    assert added.returncode == 0, added.stderr
    walker.service.wait_for(lambda: request() == "country_not_served")
    listed = run("block", "list").stdout
    assert "prefix +1408557" in listed
    assert "prefix +1408557" in run("user", "show", phone["phone"], *REASON).stdout
    ended = run("block", "end", listed.split()[0], *REASON)
    assert ended.returncode == 0, ended.stderr
    assert "prefix +1408557" not in run("block", "list").stdout
