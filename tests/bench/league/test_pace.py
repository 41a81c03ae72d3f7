"""Equal time: the share of its epochs is the largest that keeps to a budget, whatever the stages are like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.league.pace import paces, seconds_at, share_within
from earmark.core.errors import RunError
from earmark.runs.folder import RunFolder

STAGES = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.integers(1, 5000), st.floats(0.01, 100.0)), min_size=1, max_size=4
)


@given(STAGES, st.floats(0.1, 1e5))
def test_it_keeps_to_the_budget_and_a_hundredth_more_would_not(stages, budget_s: float) -> None:
    epochs = {name: n for name, (n, _) in stages.items()}
    seconds = {name: s for name, (_, s) in stages.items()}
    share = share_within(budget_s, epochs, seconds)
    assert 0 < share <= 1
    least = sum(seconds.values())
    taken = seconds_at(share, epochs, seconds)
    if least > budget_s:
        assert taken == pytest.approx(least), "an epoch of each is the least there is"
    else:
        assert taken <= budget_s
        assert share == 1 or seconds_at(share * 1.01 + 0.001, epochs, seconds) >= taken
        more = {name: min(n, round(n * share) + 1) for name, n in epochs.items()}
        assert share == 1 or sum(n * seconds[name] for name, n in more.items()) > budget_s


def test_stages_share_the_time_by_the_epochs_that_their_source_gave_them() -> None:
    epochs, seconds = {"first": 100, "second": 50}, {"first": 1.0, "second": 2.0}
    share = share_within(100.0, epochs, seconds)
    assert share == pytest.approx(0.5, abs=0.01)
    assert [round(n * share) for n in epochs.values()] == [50, 25]
    assert share_within(1e9, epochs, seconds) == 1, "nobody trains for longer than the source"
    assert share_within(2000.0, {"own": 60}, {"own": 1.0}, most=1e6) == pytest.approx(2000 / 60, rel=0.01)


def test_the_pace_is_that_of_the_fastest_epoch_of_each_training(tmp_path: Path) -> None:
    for fold, slowest in ((0, 9.0), (1, 5.0)):
        run = RunFolder(tmp_path / "net" / f"fold-{fold}")
        run.write_json("run.json", {"fingerprint": "a", "finished": True})
        run.write_log([{"seconds": slowest}, {"seconds": slowest / 2}])
    assert paces([{"stage": "net", "folder": "net"}], tmp_path, ["net"]) == {"net": 2.5}
    RunFolder(tmp_path / "net" / "fold-1").note({"finished": False})
    with pytest.raises(RunError, match="not finished"):
        paces([{"stage": "net", "folder": "net"}], tmp_path, ["net"])
