"""What every cleaning rule promises: a fitting verdict for every given label, whatever order the tables are in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.cleaning.case import Case, Guesses
from earmark.cleaning.judge import judge
from earmark.cleaning.opinion import Verdict
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.verdicts import revise, tabulate
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, read
from tests.cleaning.cases import World, shuffled, world

KINDS = sorted(Rule.members())
BLIND = {"random_best50"}
"""Rules that look at no guess, and so know nothing."""


@pytest.fixture(scope="module")
def one() -> World:
    small = world(60)
    return replace(small, guesses=(*small.guesses, replace(small.guesses[0], name="another")))


@pytest.mark.parametrize("kind", KINDS)
def test_every_given_label_has_one_fitting_verdict(kind: str, one: World) -> None:
    case = one.case
    opinion = Rule.named(kind)()(case)
    assert opinion.verdicts.shape == opinion.belief.shape == case.labels.shape
    assert not np.isnan(opinion.belief).any()
    assert set(np.unique(opinion.verdicts[case.labels])) <= {1, 2, 4, 5}
    assert set(np.unique(opinion.verdicts[~case.labels])) <= {0, 3, 4}
    if opinion.p is not None:
        assert (opinion.p >= 0).all() and (opinion.p <= 1).all()
    table = tabulate(case, opinion, None, by="test").table
    assert table.height == (opinion.verdicts != Verdict.SILENT).sum()
    assert (table["evidence"] != "").all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_tables_plays_no_part(kind: str, one: World) -> None:
    rule = Rule.named(kind)()
    case, other = one.case, shuffled(one, 3).case
    assert (other.ids, other.classes) == (case.ids, case.classes)
    a, b = rule(case), rule(other)
    assert np.array_equal(a.verdicts, b.verdicts)
    np.testing.assert_allclose(a.belief, b.belief, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_said_before_stays_readable(kind: str, one: World) -> None:
    case = one.case
    manifest = one.manifest
    verdicts = tabulate(case, Rule.named(kind)()(case), None, by=f"clean {kind}")
    revised = revise(manifest, verdicts)
    assert revised.labels.filter(revised.labels["by"] == "given").equals(manifest.labels)
    assert set(revised.labels["by"]) <= {"given", f"clean {kind}"}
    assert revised.labels.height == manifest.labels.height + verdicts.table.height
    curated = manifest.where(origin="curated")
    assert revised.where(origin="curated").labels.equals(curated.labels)
    assert set(revised.ids) == set(manifest.ids)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - BLIND))
def test_it_finds_out_something(kind: str, one: World) -> None:
    case = one.case
    found = judge(Rule.named(kind)()(case), case.labels, one.truth_of(case))["right"]
    assert found.auroc > 0.7, "these guesses tell right labels from wrong ones"


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_it_lacks(kind: str, one: World) -> None:
    rule = Rule.named(kind)()
    case = one.case
    bare = replace(case, spaces=(), guesses=())
    if rule.n_guesses or rule.needs_embeddings:
        with pytest.raises(SettingsError, match=f"rule '{kind}' .*(but|come from)"):
            rule(bare)
    else:
        rule(bare)


@pytest.mark.parametrize("kind", KINDS)
def test_it_judges_a_single_clip(kind: str) -> None:
    small = world(30)
    noisy = [name for name in small.manifest.ids if name.startswith("n")]
    kept = [name for name in small.manifest.ids if name not in noisy[1:]]
    manifest = small.manifest.where(id=kept)
    case = Case.of(manifest, [*small.guesses, *small.guesses], small.embeddings)
    assert len(case) == 1
    assert Rule.named(kind)()(case).verdicts.shape == (1, len(case.classes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_can_name_it(kind: str) -> None:
    class Wrapped(Settings):
        rule: Rule

    assert read(Wrapped, {"rule": kind}).rule == Rule.named(kind)()


def test_members_may_have_a_say_about_some_clips_only(one: World) -> None:
    guess = one.guesses[0]
    thirds = tuple(
        member.aligned([name for name in member.ids if int(name[1:]) % 3 == fold])
        for fold, member in enumerate(guess.members)
    )
    case = Case.of(one.manifest, [Guesses(guess.parts, thirds)], one.embeddings)
    assert np.isnan(case.members).any()
    for kind in ("agreement", "combined"):
        assert not np.isnan(Rule.named(kind)()(case).belief).any()
