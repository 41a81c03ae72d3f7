"""Distillation: a student learns what an ensemble thinks, so that one small net does the work of many.

G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network" (2015), for several labels a clip: the
teacher's probability of each class stands in the place of its label, in another stream beside the labelled one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, read
from earmark.core.yaml_text import override
from earmark.losses.bce import BCE
from earmark.objectives.sharpening.sharpening import Sharpening
from earmark.objectives.soft import SoftLoss
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.blending import Blending, guesses_of
from earmark.stages.sequence.guessing import GuessSettings
from earmark.stages.sequence.predicting import Predicting, PredictSettings
from earmark.stages.sequence.speaking import Speaking
from earmark.stages.sequence.stage import Stage, Telling, Trained

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_NAME = "teacher"
FILE = f"objective.{_NAME}.term.guesses.file"
"""The setting of a student's recipe that names the teacher's guesses."""


class DistilSettings(Settings):
    """What a student learns of its teacher."""

    origins: dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Origins of the clips of which the teacher speaks, with their shares of a batch; null: all that the data have,
    every clip as often."""
    weight: float = Field(1.0, gt=0)
    """How much the teacher counts."""
    labels: float = Field(1.0, ge=0)
    """By what the weights of all that the recipe asks for itself are multiplied; with 0 the student learns from the
    teacher alone."""
    loss: SoftLoss = BCE()
    """How far the student is from its teacher."""
    sharpening: Sharpening | None = None
    """What is made of the teacher's probabilities; null takes them as they are."""


def taught(settings: DistilSettings, recipe: Recipe, origins: Sequence[str], changes: Sequence[str] = ()) -> Recipe:
    """The recipe of a student.

    Args:
        settings: what it learns of the teacher.
        recipe: what it would learn without one; its first stream says how clips come.
        origins: those that the data have.
        changes: ``path=value``, made last.

    Raises:
        SettingsError: the recipe has a stream or a part of the teacher's name, or what comes of it is no recipe.
    """
    for what, names in (("streams", recipe.streams), ("objective", recipe.objective)):
        if _NAME in names:
            raise SettingsError(
                f"{what}.{_NAME} is what a student learns from its teacher, but the recipe has it already; call it "
                "otherwise there"
            )
    data = recipe.model_dump(mode="json")
    first = next(iter(data["streams"].values()))
    shares = settings.origins or dict.fromkeys(origins, 1.0)
    sampling = "once" if settings.origins is None else first["sampling"]
    data["streams"][_NAME] = {**first, "origins": shares, "sampling": sampling}
    for part in data["objective"].values():
        part["weight"] *= settings.labels
    term: dict[str, Any] = {
        "kind": "pseudo_labels",
        "guesses": {"file": "guesses", "learnt": True},
        "sharpening": None if settings.sharpening is None else settings.sharpening.model_dump(mode="json"),
        "loss": settings.loss.model_dump(mode="json"),
    }
    data["objective"][_NAME] = {"streams": [_NAME], "weight": settings.weight, "term": term}
    return read(Recipe, override(data, changes), what="the student's recipe")


def ask(plan: "Plan", name: str, teacher: Stage) -> Telling:
    """The stage that says what a teacher thinks of all training clips; it is added with those that it needs.

    Args:
        name: the student's.
        teacher: a training, predictions or a blend.

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(teacher, Trained | Predicting):
        by, how = (teacher.by, teacher.settings) if isinstance(teacher, Predicting) else (teacher, PredictSettings())
        asked = {field: getattr(how, field) for field in Speaking.model_fields}
        return plan.guess(f"{name}-{teacher.name}", by=by, settings=GuessSettings(of="train", learnt=True, **asked))
    if not isinstance(teacher, Blending):
        raise SettingsError(f"stage '{teacher.name}' cannot teach '{name}'; name a training, predictions or a blend")
    if guesses_of(teacher) == "train":
        return teacher
    members: dict[str, list[Stage]] = {}
    for member, stages in teacher.speakers.items():
        # A blend that is asked says once more what it is judged by.
        judged = [stage for stage in stages if not isinstance(stage, Blending)]
        members[member] = [*judged, *(ask(plan, name, stage) for stage in stages)]
    return plan.blend(f"{name}-{teacher.name}", members, teacher.settings)
