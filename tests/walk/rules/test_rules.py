"""Rules, which act in a service that runs."""

from tests.support.service import REASON
from tests.support.walker import Walker


def test_a_rule_of_a_command_acts_in_the_service_until_it_is_ended(walker: Walker) -> None:
    run, phone = walker.service.run, {"phone": "+14155571301"}

    def request() -> str:
        response = walker.http.post("/auth/request-otp", json=phone)
        fields = response.json().get("field_errors", ())
        return str(fields[0]["code"] if fields else response.json().get("code", ""))

    added = run("rule", "add", "block", "--prefix", "+1415557130", "--for", "1h", *REASON)
    assert added.returncode == 0, added.stderr
    walker.service.wait_for(lambda: request() == "country_not_served")
    listed = run("rule", "list").stdout
    assert "block prefix +1415557130" in listed
    assert "block prefix +1415557130" in run("user", "show", phone["phone"], *REASON).stdout
    ended = run("rule", "end", listed.split()[0], *REASON)
    assert ended.returncode == 0, ended.stderr
    walker.service.wait_for(lambda: request() == "")
