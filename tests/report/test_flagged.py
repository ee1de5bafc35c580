"""What the report says where nothing is suspicious: only what was looked for."""

import pytest
from storing import attack

from smd.report import flagged
from smd.report.known import known
from tests.report.reporting import begun

EVERY = (1,) * 8


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What the section says of a run under some attacks."""
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))

    def section(*attacks):
        run, recorder = begun()
        for k, (name, fields) in enumerate(attacks):
            attack(recorder, name, **{"ok": EVERY, "created": float(k), **fields})
        recorder.flush()
        return flagged.section(known(run, "test"))

    return section


def test_without_autoattack_nothing_was_looked_for(told):
    said = told(("ce-pgd", {}))
    assert "were not looked for" in said
    assert "None:" not in said
    assert "No two attacks of different strength were compared" in said


def test_gaps_are_denied_only_where_pairs_were_compared(told):
    said = told(("ce-pgd", {}), ("autoattack", {"steps": 0}))
    assert "None: AutoAttack" in said
    assert "In one pair of attacks" in said
    alone = told(("autoattack", {"steps": 0}))
    assert "No two attacks of different strength were compared" in alone


def test_what_took_over_verdicts_is_counted_apart(told):
    said = told(("ce-pgd", {}), ("autoattack", {"steps": 0, "note": "sound=yes"}))
    assert "No two attacks" in said
    assert "One accuracy with sound=yes is left out" in said
