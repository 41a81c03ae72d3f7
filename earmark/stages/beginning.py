"""Where a training begins: from a recipe and clips to a tagger, an objective and streams.

Weights are fresh, or published ones where the encoder names some, or those of another training.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import DataError
from earmark.data.clips import Clips
from earmark.data.streams import Stream
from earmark.inference.settings import TaggerSettings
from earmark.inference.tagger import Tagger
from earmark.models.weights import Fitting
from earmark.objectives.material import Material
from earmark.objectives.objective import Objective
from earmark.stages.recipe import Recipe
from earmark.stages.warm_start import WarmStart
from earmark.training.devices import precision_named

_VIEW_FIT_BATCHES = 64


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a training starts from; tagger and objective share the view, but have a network each."""

    tagger: Tagger
    objective: Objective
    streams: dict[str, Stream]
    chance: Chance
    fitting: Fitting | None = None
    """What was taken from another training."""

    def fit_view(self) -> None:
        """Measure what normalisation over the data needs, on the first batches of every stream."""
        if self.tagger.view.needs_fit:
            self.tagger.view.fit(_FirstBatches(self.tagger, self.streams))


def begin(
    recipe: Recipe,
    classes: tuple[str, ...],
    clips: Clips,
    name: str,
    fabric: Fabric,
    warm: WarmStart | None,
    fold: int | None = None,
    held_out: str = "",
) -> Beginning:
    """Build all that the recipe names; the seed of the recipe decides the weights.

    Args:
        classes: the vocabulary.
        clips: those to learn from.
        name: what the tagger says of where it comes from.
        fabric: launched; each of its processes gets its share of the streams.
        warm: the weights that the recipe names, found.
        fold: the one that is held out.
        held_out: a name for its clips.

    Raises:
        SettingsError, DataError: a part of the objective cannot work on these clips.
    """
    chance = Chance(recipe.seed)
    torch.manual_seed(chance.at("weights").number())
    tagger = Tagger.build(_tagger_settings(recipe, classes, name, fabric.device), fabric.device)
    tagger.network.encoder.fetch()
    fitting = warm.into(tagger.network, recipe.model, classes) if warm else None
    objective = Objective(recipe.objective, tagger.view, copy.deepcopy(tagger.network), recipe.statistics_from)
    for module in (objective.network, objective.terms):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    streams = {
        key: Stream(key, settings, clips, chance, rank=fabric.global_rank, world_size=fabric.world_size)
        for key, settings in recipe.streams.items()
    }
    objective.meet(Material(classes, {key: stream.clips for key, stream in streams.items()}, fold, held_out))
    return Beginning(tagger, objective, streams, chance, fitting)


def contents(recipe: Recipe, fold: int | None) -> list[str]:
    """What is in the files that parts of the objective read, as short names in their order.

    Raises:
        DataError: there is no such file.
        SettingsError: it is named by the held-out fold, and there is none.
    """
    found = []
    for part in recipe.objective.values():
        for path in part.files(fold):
            try:
                with path.open("rb") as file:
                    found.append(hashlib.file_digest(file, "sha256").hexdigest()[:16])
            except OSError as error:
                raise DataError(
                    f"'{path}' cannot be read ({error.strerror}); part of the objective needs it", path
                ) from None
    return found


def _tagger_settings(recipe: Recipe, classes: tuple[str, ...], name: str, device: torch.device) -> TaggerSettings:
    precision = precision_named(recipe.inference.precision, device)
    return TaggerSettings(
        classes=classes,
        pack=recipe.pack,
        view=recipe.view,
        model=recipe.model.model_copy(update={"start": None}),  # where it began is the run's to know
        crop=next(iter(recipe.streams.values())).crop,
        inference=recipe.inference.model_copy(update={"precision": precision}),
        run=name,
        taught=recipe.taught,
    )


class _FirstBatches:
    """The first batches of every stream, made anew each time somebody goes through them."""

    def __init__(self, tagger: Tagger, streams: Mapping[str, Stream]) -> None:
        self.tagger, self.streams = tagger, streams

    def __iter__(self) -> Iterator[Batch]:
        for stream in self.streams.values():
            for number in range(min(len(stream), _VIEW_FIT_BATCHES)):
                yield stream.batch(number).to(self.tagger.device)
