"""One step of every term on clips that an augmentation has gone over: losses, gradients and state stay finite.

The quick half goes through both lists side by side, so that each term and each augmentation is met at least once; the
slow one takes every pair of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.objectives.objective import Step
from earmark.schedules.schedule import Place
from earmark.signal.augment.gain import Gain
from earmark.signal.frontends.log import Log
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import Augment
from tests.contracts.test_augment import VARIANTS
from tests.some_terms import batches, cases, objective_with_parts, part_of, term_of
from tests.tiny import PLAIN, RATE_HZ

FRONT = (Mel(n_fft=256, hop_samples=80, n_mels=32, fmin_hz=50), Log())
SPECS = (Spec("wave", RATE_HZ), FRONT[0].after(Spec("wave", RATE_HZ)))
"""What comes before each step of the front end."""


def augmentation(kind: str) -> Augment:
    """With its defaults, or where it has not enough of them with the first settings that it is tried with."""
    member = Augment.members()[kind]
    plain = not any(field.is_required() for field in member.model_fields.values())
    return member.model_validate({**({} if plain else VARIANTS[kind][0]), "p": 1.0})


def place_of(step: Augment) -> int:
    """Before how many steps of the front end it stands: as early as it can."""
    for place, spec in enumerate(SPECS):
        try:
            step.after(spec)
        except SettingsError:
            continue
        return place
    return len(FRONT)


TERMS, KINDS = cases(), tuple(Augment.members())
SIDE_BY_SIDE = [(TERMS[i % len(TERMS)], KINDS[i % len(KINDS)]) for i in range(max(len(TERMS), len(KINDS)))]


def stay_finite(kind: str, settings: dict[str, Any], augmented_by: str, folder: Path) -> None:
    step = augmentation(augmented_by)
    place = place_of(step)
    parts = {"it": part_of(term_of(kind, settings, folder))}
    objective = objective_with_parts(parts, PLAIN, step, *FRONT[place:], before=(Gain(), *FRONT[:place])).train()
    losses = objective(Step(batches(), Chance(0), 1.0))
    losses.total.backward()
    objective.after_step(Place(6, 6, 9))
    reached = [parameter.grad for parameter in objective.parameters() if parameter.grad is not None]
    assert reached and all(bool(gradient.isfinite().all()) for gradient in reached), augmented_by
    assert bool(losses.total.isfinite()), augmented_by
    assert all(bool(told.isfinite()) for told in losses.signs.get("it", {}).values()), augmented_by
    assert all(bool(value.isfinite().all()) for value in objective.state_dict().values()), augmented_by


@pytest.mark.parametrize(
    ("kind", "settings", "augmented_by"),
    [pytest.param(*term, name, id=f"{term[0]}-{name}-{i}") for i, (term, name) in enumerate(SIDE_BY_SIDE)],
)
def test_a_step_stays_finite(kind, settings, augmented_by, tmp_path):
    stay_finite(kind, settings, augmented_by, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "settings"), [pytest.param(*term, id=f"{term[0]}-{i}") for i, term in enumerate(TERMS)]
)
def test_a_step_stays_finite_with_every_augmentation(kind, settings, tmp_path):
    for augmented_by in KINDS:
        stay_finite(kind, settings, augmented_by, tmp_path)
