"""Statistics and costs."""

from tests.support.walker import Walker


def test_an_operator_sees_statistics_and_costs(walker: Walker) -> None:
    walker.sign_in("+14155570601")
    for command in ("statistics", "costs"):
        shown = walker.service.run(command)
        assert shown.returncode == 0, shown.stderr
