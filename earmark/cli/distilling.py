"""What ``earmark distil`` does, once imports no longer matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from earmark.cli.console import Console
from earmark.cli.reproducing import stages_as_text
from earmark.cli.work import BAD_FILES
from earmark.core.errors import SettingsError
from earmark.core.settings import nearest, read
from earmark.core.yaml_text import override, parted
from earmark.ensemble.blends.blend import Blend
from earmark.stages.blend import BlendSettings, read_settings
from earmark.stages.blend_members import named
from earmark.stages.budget import read_budget
from earmark.stages.finished_runs import must_be_its_data, runs_in
from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.distilling import DistilSettings
from earmark.stages.sequence.finished import Finished
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan


def distil_student(
    members: list[str],
    recipe: str,
    how: str,
    data: Path | None,
    out: Path,
    fold: str | None,
    budget: str | None,
    changes: Sequence[str],
    store: Path | None,
    device: str,
    devices: int | None,
    console: Console,
) -> int:
    """``earmark distil``."""
    if how not in Blend.members() and ":" not in how:
        raise SettingsError(f"there is no blend '{how}'; {nearest(how, Blend.members())}")
    of_blend, rest = parted(changes, BlendSettings.model_fields)
    of_distil, of_recipe = parted(rest, DistilSettings.model_fields)
    blend = read_settings(how, of_blend)
    learns = read(
        DistilSettings, override(DistilSettings().model_dump(mode="json"), of_distil), what="what the student learns"
    )
    student = read_recipe(recipe, tuple(of_recipe))
    folders = named(members)
    place = next(iter(folders.values()))[0]
    first, facts = Finished.at("first", place), runs_in(place)[0].facts()
    theirs = first.recipe
    if store is None and theirs.pack == student.pack and "store" in facts:
        store = Path(facts["store"])
    ground = Ground(
        data or Path(facts["data"]),
        store=store,
        source=theirs.source,
        folds=theirs.folds,
        seed=theirs.seed,
        device=device,
        show=console,
        reports=True,
    )
    must_be_its_data(runs_in(place)[0], ground.manifest)
    plan = Plan(ground, fold=fold or first.fold, budget=read_budget(budget), devices=devices)
    found = {
        name: [plan.finished(_called(name, number), place) for number, place in enumerate(places)]
        for name, places in folders.items()
    }
    teacher = plan.blend("teacher", found, blend)
    plan.distil("student", teacher, student, learns, fold=fold)
    rows = carry_out(plan, out, name="distil")
    if not ground.is_first:
        return 0
    for line in stages_as_text(rows).splitlines():
        console.say(line)
    console.say(f"the student: '{out / rows[-1]['folder']}'; use it like any run")
    return BAD_FILES if ground.n_quarantined else 0


def _called(name: str, number: int) -> str:
    """What the stage of a finished training is called; a member may have several."""
    called = re.sub(r"[^\w-]+", "-", name)
    return f"{called}-{number + 1}" if number else called
