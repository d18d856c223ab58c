"""`dialtone flow` as an operator uses it."""

from pathlib import Path

from tests.support.service import Service


def test_a_flow_is_drawn_and_its_problems_are_printed_one_on_a_line(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text('default_locale = "en"\n')
    service = Service(tmp_path)

    drawn = service.run("flow", "draw")
    of_file = service.run("flow", "check", "flow.toml")
    checked = service.run("flow", "check").stdout
    of_setting = Service(tmp_path, {"DIALTONE_CALL_FLOW": "flow.toml"}).run("check-settings")

    assert drawn.stdout.startswith("flowchart TD\n")
    assert "main_menu.choices: 'leave' (4) is inside 'leave feedback' (3)" in checked
    assert (of_file.returncode, of_setting.returncode) == (1, 1)
    assert "flow.toml, nodes: there is none; add a table [nodes.NAME]." in of_file.stderr
    assert of_setting.stderr.startswith("DIALTONE_CALL_FLOW: ")
    assert len(of_file.stderr.splitlines()) == len(of_setting.stderr.splitlines()) == 4
