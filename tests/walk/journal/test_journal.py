"""The journal of acts, which outlives the database."""

from pathlib import Path

from tests.support.walker import walking


def test_a_deletion_is_in_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "acts.ndjson"
    with walking(tmp_path / "service", DIALTONE_JOURNAL=str(journal)) as walker:
        walker.sign_up("+14155570801", "Journal Walk")
        assert walker.http.delete("/users/me").status_code == 204
        assert walker.user_id in journal.read_text("utf-8")
        checked = walker.service.run("restore-check")
        assert checked.returncode == 0, checked.stderr
