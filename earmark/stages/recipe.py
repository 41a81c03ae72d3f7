"""The recipe: everything that decides what a training makes of its data, as one value.

Only stages, systems and the command line see a whole recipe; everybody else gets the section that is theirs. What
one section needs of another (a stream, a head, a spec) is checked here, when the recipe is read.
"""

import math
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from earmark.core.errors import SettingsError
from earmark.core.fingerprint import differences
from earmark.core.settings import Incidental, Settings, nearest, read
from earmark.core.spec import Spec
from earmark.core.yaml_text import override, parse
from earmark.data.folds.folds import Folds
from earmark.data.pack_settings import PackSettings
from earmark.data.sources.source import Source
from earmark.data.streams import StreamSettings
from earmark.inference.settings import InferenceSettings
from earmark.models.network import ModelSettings
from earmark.objectives.objective import Part
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.step import Augment, Step
from earmark.signal.view import check
from earmark.stages.external import unwanted
from earmark.training.settings import TrainingSettings


class Recipe(Settings):
    """From a folder of sounds to a tagger."""

    seed: int = 1
    """Names every random number of the training."""
    source: Source | None = None
    """How the data folder is laid out; null: found out by looking."""
    folds: Folds | None = None
    """How the training part is split; null: the folds that the data give, else stratified ones."""
    pack: PackSettings = PackSettings()
    """How files become samples."""
    view: tuple[Step, ...] = (LogMel(),)
    """The steps from waves to what the network sees, augmentations among them."""
    model: ModelSettings = ModelSettings()
    """The network."""
    streams: dict[str, StreamSettings] = Field({"curated": StreamSettings()}, min_length=1)
    """Where batches come from; the first one defines an epoch, and its crop is the tagger's."""
    objective: dict[str, Part] = Field({"labels": Part()}, min_length=1)
    """What is minimised: a named sum of terms."""
    training: TrainingSettings = TrainingSettings()
    """How it is minimised."""
    inference: InferenceSettings = InferenceSettings()
    """How the tagger is used."""
    external_data: Annotated[bool, Incidental()] = True
    """Whether weights, sounds and guesses may come from elsewhere than the data; false refuses them, as the rules of
    Freesound Audio Tagging 2019 did. Either way a run notes what it took, and its report says so."""

    @property
    def spec(self) -> Spec:
        """What the view gives."""
        return check(self.view, Spec("wave", self.pack.rate_hz))

    @property
    def external(self) -> tuple[str, ...]:
        """What encoder and view take from elsewhere than the data, in words."""
        return (*self.model.encoder.external, *(each for step in self.view for each in step.external))

    @property
    def taught(self) -> bool:
        """Whether any part of the objective trains the tagger's head, so that its scores mean something."""
        return any(part.weight > 0 and "main" in part.term.heads for part in self.objective.values())

    @property
    def statistics_from(self) -> tuple[str, ...] | None:
        """Streams whose clips move the running statistics of batch norm; none: all of them do."""
        wanted, first = self.training.statistics_from, next(iter(self.streams))
        if wanted is not None:
            return None if wanted == "all" else wanted
        heard = any(first in part.streams for part in self.objective.values() if part.weight > 0)
        return (first,) if heard else None

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        try:
            spec = self.spec
            self.model.check(spec)
            self.inference.check(self.view, self.pack.rate_hz, next(iter(self.streams.values())).crop)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        for name, part in self.objective.items():
            for stream in part.streams:
                if stream not in self.streams:
                    raise ValueError(f"objective.{name} asks for stream '{stream}'; {nearest(stream, self.streams)}")
            if len(part.streams) < part.term.least_streams:
                raise ValueError(
                    f"objective.{name} has term '{part.term.kind}', which needs a labelled stream and one whose labels "
                    f"it does not look at, but only stream '{part.streams[0]}' is given; name another in its streams"
                )
            self._origins_fit(name, part)
            self._labels_fit(name, part)
            for head in part.term.heads:
                if head not in self.model.heads:
                    raise ValueError(f"objective.{name} asks for head '{head}'; {nearest(head, self.model.heads)}")
        if "main" not in self.model.heads:
            raise ValueError("model.heads needs one called 'main', which is the tagger's")
        idle = set(self.model.heads) - {head for part in self.objective.values() for head in part.term.heads} - {"main"}
        if idle:
            raise ValueError(f"no part of the objective trains head '{min(idle)}'; remove it, or name it there")
        for stream in self.statistics_from or ():
            if stream not in self.streams:
                raise ValueError(f"training.statistics_from names stream '{stream}'; {nearest(stream, self.streams)}")
        guests = self._guests()
        unused = set(self.streams) - {stream for part in self.objective.values() for stream in part.streams} - guests
        if unused:
            raise ValueError(f"no part of the objective uses stream '{min(unused)}'; remove it, or name it there")
        self._crops_fit(spec)
        if self.external and not self.external_data:
            raise ValueError(unwanted(self.external[0]))
        if not self.taught and self.training.choosers:
            raise ValueError(
                f"{next(iter(self.training.choosers))} goes by a score, but no part of the "
                "objective trains head 'main', so there is none; remove it"
            )
        return self

    def _crops_fit(self, spec: Spec) -> None:
        """Refuse crops of which the encoder or a term can make nothing, and terms that the encoder cannot serve."""
        for stream in self.streams:
            self._long_enough(stream, self.model.shortest(spec), spec, f"encoder '{self.model.encoder.kind}'")
        for name, part in self.objective.items():
            try:
                fewest = part.term.shortest(self.model, spec)
            except SettingsError as error:
                raise ValueError(f"objective.{name}: {error}") from None
            for stream in part.streams:
                self._long_enough(stream, fewest, spec, f"objective.{name} (term '{part.term.kind}')")

    def _long_enough(self, stream: str, n_frames: int, spec: Spec, who: str) -> None:
        """Refuse crops that are shorter than somebody needs."""
        # Rounded up, so that what the message asks for is enough.
        shortest = math.ceil(n_frames / spec.rate_hz * 1e4) / 1e4
        crop = self.streams[stream].crop
        what, length = ("shortest_s", crop.shortest_s) if crop.length_s is None else ("length_s", crop.length_s)
        if length < shortest:
            raise ValueError(
                f"streams.{stream}.crop.{what} is {length:g} s, but {who} needs at least {shortest:g} s of this view; "
                "make it longer"
            )

    def _origins_fit(self, name: str, part: Part) -> None:
        """Refuse settings that ask for clips which none of the part's streams has."""
        there = {stream: self.streams[stream].origins for stream in part.streams}
        for path, origin in part.term.named_origins:
            if not any(origin in origins for origins in there.values()):
                theirs = " and ".join(f"stream '{stream}' takes {', '.join(of)}" for stream, of in there.items())
                raise ValueError(
                    f"objective.{name}.term.{path} names {origin} clips, but {theirs} clips alone; name a stream with "
                    f"{origin} clips in objective.{name}.streams, or another origin"
                )

    def _labels_fit(self, name: str, part: Part) -> None:
        """Refuse shares of labels for a loss to which they mean nothing."""
        softening = [
            (place, step) for place, step in enumerate(self.view) if isinstance(step, Augment) and step.softens
        ]
        for loss in part.term.losses:
            if softening and not loss.takes_soft:
                place, step = softening[0]
                raise ValueError(
                    f"objective.{name} has loss '{loss.kind}', which takes labels that are there or not, but "
                    f"view.{place} ({step.kind}) mixes them by shares; set labels: union there, or take another loss"
                )
            scale = loss.scale_of_cosines
            for head in part.term.heads if scale is not None else ():
                theirs = getattr(self.model.heads.get(head), "cosine", None)
                if theirs != scale:
                    raise ValueError(
                        f"objective.{name} has loss '{loss.kind}', which wants {scale:g} times the cosine of an angle, "
                        f"but head '{head}' gives {'other logits' if theirs is None else f'{theirs:g} times that'}; "
                        f"set model.heads.{head}.cosine: {scale:g} (heads pooled and recurrent have it)"
                    )

    def _guests(self) -> set[str]:
        """The streams that steps of the view mix into the others."""
        found = set()
        for place, step in enumerate(self.view):
            for name in step.guests if isinstance(step, Augment) else ():
                if name not in self.streams:
                    raise ValueError(
                        f"view.{place} ({step.kind}) mixes in clips of stream '{name}', which there is not; "
                        f"{nearest(name, self.streams)}"
                    )
                found.add(name)
        return found


def read_recipe(name: str, changes: tuple[str, ...] = ()) -> Recipe:
    """The recipe in a YAML file, or one that comes with the package by its name, with changes.

    Args:
        name: a path, or the name of a shipped recipe.
        changes: ``path=value``, in order.

    Raises:
        SettingsError: there is no such recipe, or everything that is wrong with it.
    """
    recipe = read(Recipe, _recipe_data(name), what=f"recipe '{name}'")
    if not changes:
        return recipe
    # Changes are made to the resolved recipe, so that a default can be changed as well as what the file says.
    return read(Recipe, override(recipe.model_dump(mode="json"), changes), what=f"recipe '{name}' with its changes")


def _recipe_data(name: str) -> object:
    """The plain data of a recipe before it is checked."""
    path = Path(name)
    shipped = shipped_recipes()
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SettingsError(f"recipe '{name}' is not UTF-8 text; name a YAML file") from None
    elif name in shipped:
        text = shipped[name]
    else:
        raise SettingsError(
            f"there is no recipe '{name}': neither a file nor one that comes with earmark; {nearest(name, shipped)}"
        )
    return parse(text, what=f"recipe '{name}'")


def shipped_recipes() -> dict[str, str]:
    """The YAML texts that come with the package, by name."""
    folder = resources.files("earmark.recipes")
    return {f.name.removesuffix(".yaml"): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".yaml")}


def unusual(recipe: Recipe) -> list[tuple[str, object, object]]:
    """What differs from the defaults: (path, default, here)."""
    return differences(Recipe(), recipe)
