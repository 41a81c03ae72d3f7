"""The page says what stands: published figures beside ours, directions in words that the intervals bear out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.league import running
from bench.league.compare import judgement
from bench.league.line import Line, Scale
from bench.league.page import page
from bench.league.place import Place
from bench.league.published.table import Published, Told
from bench.league.running import run
from bench.league.standing import Standing
from earmark.metrics.bootstrap import Difference
from earmark.stages.prepare import read_manifest
from tests.bench.league.fakes import Workshop, league_of

TABLE = Published(
    "Three",
    "Somebody (2019)",
    "Theirs; ours.",
    (
        Told("the baseline", ("three", "baseline"), None, 0.81),
        Told("begun with noisy clips", ("three", "transfer"), ("three", "baseline"), 0.83),
        Told("with guesses", ("three", "pseudo-labels"), ("three", "baseline"), words="no gain", sign=0),
        Told("the other way", ("three", "noisy"), ("three", "baseline"), gain=0.02),
        Told("never run", ("absent", "net"), ("three", "baseline"), gain=0.02),
    ),
)
SYSTEM = Line("three", "Three models", system="rftexas", scale=Scale(0.25))
BEST = Line("best", "**best**", system="schoneveld", own=True)
TAUGHT = Line("small-distilled", "taught", recipe="small", teacher="best", own=True)
SMALL = Line("small", "**small**", recipe="small", own=True)
ALONE = Line("small-alone", "alone", recipe="small", fold="none", budgeted=False, own=True)
BEST_ALONE = Line("best-alone", "best alone", system="schoneveld", fold="none", budgeted=False, own=True)
LINES = (SYSTEM, BEST, TAUGHT, SMALL, ALONE, BEST_ALONE)
SKILL = {"baseline": 0.3, "transfer": 2.0, "pseudo-labels": 0.3, "noisy": 0.0, "ensemble": 0.4, "net": 3.0}


@pytest.fixture(scope="module")
def standing(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A league in which every line is finished."""
    workshop = Workshop(read_manifest(sounds, None))
    workshop.skill = {**SKILL, "small": 1.0, "small-alone": 3.0, "student": 3.0, "teacher": 3.0}
    place = Place(sounds, tmp_path_factory.mktemp("played"), 20.0, "each", gpu=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "prepare", lambda *_, **__: None)
        run(league_of(place, LINES, workshop), [], 1)
    return Standing.of(place, LINES)


@pytest.fixture(scope="module")
def written(standing: Standing) -> str:
    """Its page."""
    return page(standing, (TABLE,))


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The cells of each row of the table under a heading, by what stands first."""
    after = text.split(f"{heading}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]
    found = [[cell.strip() for cell in line.split("|")[1:-1]] for line in after.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in found[2:]}


def test_published_figures_stand_beside_ours_and_directions_are_in_words(standing: Standing, written: str) -> None:
    found = rows(written, "### Somebody (2019). Three")
    ours = standing.entries["three", "transfer"].score("held_out")
    published, gain, held_out, _, paired, word = found["begun with noisy clips"]
    assert (published, gain) == ("0.830", "+0.020") and held_out.startswith(f"{ours.value:.3f} (")
    assert paired.startswith("+0.") and word == "holds"
    assert found["the baseline"][-1] == "" and found["the baseline"][1] == "–", "compared with nothing"
    assert found["with guesses"][1] == "no gain" and "includes zero" in found["with guesses"][-1]
    assert found["never run"][2:] == ["–", "–", "–", "not measured"]
    assert "Of 4 directions 1 hold, " in written and "1 not measured." in written


@pytest.mark.parametrize(
    ("published", "ours", "verdict", "words"),
    [
        (1, (0.02, 0.01, 0.03), "holds", "holds"),
        (-1, (-0.02, -0.03, -0.01), "holds", "holds"),
        (1, (-0.02, -0.03, -0.01), "fails", "the other way, beyond doubt"),
        (1, (0.02, -0.01, 0.05), "open", "the same way, but"),
        (-1, (0.02, -0.01, 0.05), "open", "the other way, but"),
        (1, (0.0, -0.01, 0.01), "open", "no difference, but"),
        (0, (0.02, -0.01, 0.05), "open", "not contradicted"),
        (0, (0.02, 0.01, 0.03), "fails", "better, beyond doubt"),
        (1, (0.02, float("nan"), float("nan")), "missing", "not measured"),
    ],
)
def test_words_follow_from_sign_and_interval(published, ours, verdict: str, words: str) -> None:
    found, said = judgement(published, Difference(*ours, 0.5))
    assert found == verdict and words in said
    assert judgement(published, None) == ("missing", "not measured")


def test_rows_say_what_was_learnt_from_and_what_it_took(standing: Standing, written: str, workshop: Workshop) -> None:
    text = written
    ends = rows(text, "## Lines")
    assert next(iter(ends)) == "**best**", "the best out of fold first"
    training = standing.entries["three", "transfer"].training_s
    of_one = 3 * workshop.s_an_epoch * len(workshop.folds)
    assert training == 2 * of_one, "its own epochs in all folds, and as many of what it begins with"
    ensemble = standing.entries["three", "ensemble"]
    assert ensemble.n_parameters == 3000 and ensemble.clips_per_s == pytest.approx(1 / 0.15)
    models = rows(text.replace("Three models | ", ""), "## Every model and mean")
    assert {"baseline", "noisy", "transfer", "pseudo-labels", "ensemble"} <= set(models) and "guess" not in models
    assert models["ensemble"][-1] == "3,000" and models["ensemble"][0] == "curated"
    held_out, test, public, private = (ensemble.score(part) for part in ("held_out", "test", "Public", "Private"))
    assert models["ensemble"][1].startswith(f"{held_out.value:.3f}") and min(public, private) <= test
    alone = standing.last("small-alone")
    assert alone.score("held_out") is None and alone.score("test") is not None
    given = rows(text, "## What was run")
    budget = 3 * standing.place.budget_s * len(workshop.folds)
    share = 100 * standing.place.read("paces/three.json")["share"]
    expected = ["`three`", "3", f"{share:.3g} %", "widths × 0.25", f"{budget:,.0f}", f"{4 * of_one:,.0f}"]
    assert given["Three models"] == expected


def test_goals_pass_and_fail_by_the_figures(written: str) -> None:
    found = rows(written, "## Goals")
    words = [cells[-1] for cells in found.values()]
    # best is far ahead of the system; small is behind its best model, transfer; the student is as good as its teacher.
    assert words == ["**pass**", "**fail**", "**pass**", "**pass**", "**pass**"]
    assert "above Three models" in next(iter(found.values()))[0]
    assert "the strongest, Three models: transfer" in list(found.values())[1][0]
    assert "`best` as shipped above 0.82 on test" in found


def test_what_is_only_reached_because_others_are_missing_is_open(place: Place, workshop: Workshop) -> None:
    workshop.skill = {**SKILL, "small": 3.0, "transfer": 0.0}
    lines = (*LINES, Line("late", "a late one", system="schoneveld"))
    league = league_of(place, lines, workshop)
    run(league, ["three", "best", "small"], 1)
    found = list(rows(page(Standing.of(place, lines)), "## Goals").values())
    assert [cells[-1] for cells in found[:2]] == ["**open**", "**open**"]
    assert "so far: 1 line of sources missing" in found[1][0]
    assert found[4] == ["line best-alone is not finished", "**open**"], "best within the budget is no best as shipped"


def test_what_takes_more_time_is_no_equal_budget(place: Place, workshop: Workshop) -> None:
    workshop.skill = SKILL
    league = league_of(place, LINES, workshop)
    run(league, ["three"], 1)
    workshop.s_an_epoch = 100.0
    run(league, ["best"], 1)
    first = rows(page(Standing.of(place, LINES)), "## Goals")
    assert next(iter(first.values()))[-1] == "**fail**" and "which is no equal budget" in next(iter(first.values()))[0]


def test_what_is_missing_is_named_with_its_reason_and_goals_stay_open(place: Place, workshop: Workshop) -> None:
    workshop.instead["three"] = lambda: 3
    run(league_of(place, LINES, workshop), ["three"], 1)
    text = page(Standing.of(place, LINES))
    missing = text.split("## Missing\n")[1]
    assert "`make league` goes on" in missing
    assert "* `three`: the disk is full: free some space" in missing
    assert "* `best`: not run yet" in missing
    assert "* `small-distilled`: line 'best', from whose models it learns, is not finished" in missing
    assert len(re.findall(r"\*\*open\*\*", text)) == 5
