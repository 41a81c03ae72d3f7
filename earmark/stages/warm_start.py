"""Weights of one training as the beginning of another: where they lie, what they have learnt from, who judges them.

A run notes every clip that its weights have learnt from, those of the weights it began with among them. So it can be
told for certain whether weights know the clips that are to judge a run, whatever folds they were trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor

from earmark.core.errors import RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.models.network import ModelSettings, Network, class_axes
from earmark.models.weights import Fitting, Start, take
from earmark.runs.checkpoints import read_tensors
from earmark.runs.folder import RunFolder
from earmark.stages.divide import Parts
from earmark.stages.external import NOTED


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Weights that a recipe begins with, found."""

    start: Start
    path: Path
    name: str
    """Names their content."""
    foreign: bool
    """Whether something else than earmark wrote them."""
    tensors: dict[str, Tensor]
    """By the names of a network's state."""
    classes: tuple[str, ...] | None
    learnt: frozenset[str] | None
    """The clips they have learnt from; none if nobody knows."""
    encoder: str | None = None
    """The kind of encoder that they are of; none if it is not noted."""
    noted: tuple[str, ...] = ()
    """What their run took from elsewhere than its data."""
    data: str | None = None
    """The data folder of their run."""

    def into(self, network: Network, model: ModelSettings, classes: tuple[str, ...]) -> Fitting:
        """Put them into a network that was built of these settings.

        Raises:
            SettingsError: they are of another encoder, or too little of them fits.
        """
        kind = model.encoder.kind
        if self.start.strict != "none" and not self.start.map and self.encoder not in (None, kind):
            raise SettingsError(
                f"the weights '{self.path}' are of encoder '{self.encoder}', but the recipe has '{kind}'; take that "
                "encoder, name other weights, or ask for whatever fits with model.start.strict: none"
            )
        by_class = class_axes(network, model, len(classes))
        return take(network, self.tensors, self.start, by_class=by_class, classes=classes, theirs=self.classes)

    def n_leaked(self, manifest: Manifest, parts: Parts) -> int | None:
        """How many clips they have learnt from that judge a run with these parts, or share a group with such.

        None if nobody knows; weights that something else wrote are believed, and the report says so.

        Raises:
            SettingsError: there are some, or it cannot be told, and the settings do not allow it.
        """
        judges = _judges(manifest, parts)
        if not judges:
            return 0
        if self.learnt is None:
            if not (self.foreign or self.start.leak):
                raise SettingsError(
                    f"what the weights '{self.path}' have learnt from is not noted beside them, so they may know the "
                    "clips that are to judge them; name them in the folder of their run, or set model.start.leak: true"
                )
            return None
        known = judges & self.learnt
        if known and not self.start.leak:
            raise SettingsError(
                f"the weights '{self.path}' have learnt from {len(known)} of the clips that are to judge them (or of "
                f"the groups of these), such as '{min(known)}'; take weights of a run that held the same fold out, or "
                "set model.start.leak: true, which is noted"
            )
        return len(known)

    def external(self, manifest: Manifest) -> tuple[str, ...]:
        """What they bring along from elsewhere than these data, in words; nothing where there is none."""
        if self.foreign:
            return (f"weights '{self.path.name}', which something else than earmark has trained",)
        whose = self.path.parent.name if self.path.name == RunFolder(self.path.parent).tagger.name else self.path.name
        if self.learnt is None:
            return (*self.noted, f"weights of '{whose}', of which it is not noted what they have learnt from")
        others = self.learnt.difference(manifest.clips["id"]) if self.data != str(manifest.root) else ()
        if not others:
            return self.noted
        return (*self.noted, f"weights of '{whose}', which have learnt from {len(others)} clips of other data")

    def facts(self, n_leaked: int | None) -> dict[str, Any]:
        """What a run says of where it began."""
        return {"weights": str(self.path), "content": self.name, "n_leaked": n_leaked}


def find_weights(start: Start | None, fold: int | None) -> WarmStart | None:
    """The weights that a recipe begins with, where it names some.

    Args:
        fold: the one that is held out now; of a folder with one run a fold it chooses the run.

    Raises:
        RunError: there are none, or they cannot be read.
    """
    if start is None:
        return None
    path = _file(Path(start.weights), fold)
    tensors, facts = read_tensors(path)
    with path.open("rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    run = _run_of(path) if facts is not None else None
    noted = {} if run is None else dict(run.read_json("learnt.json") or {})
    tagger = (facts or {}).get("tagger", {})
    classes = noted.get("classes") or tagger.get("classes")
    clips = noted.get("clips")
    return WarmStart(
        start=start,
        path=path,
        name=name,
        foreign=facts is None,
        tensors=tensors if facts is None else _network(tensors, facts),
        classes=None if classes is None else tuple(classes),
        learnt=None if clips is None else frozenset(clips),
        encoder=tagger.get("model", {}).get("encoder", {}).get("kind"),
        noted=tuple(noted.get(NOTED, ())),
        data=None if run is None else run.facts().get("data"),
    )


def note_learnt(
    run: RunFolder, manifest: Manifest, parts: Parts, warm: WarmStart | None, external: Sequence[str] = ()
) -> None:
    """Write down what the weights of a run learn from, not where they came with an unknown past; and what they took
    from elsewhere."""
    before = warm.learnt if warm else frozenset[str]()
    known = before is not None or (warm is not None and warm.foreign)
    clips = (before or frozenset()).union(parts.training.ids)
    noted = {"classes": list(manifest.classes), "clips": sorted(clips) if known else None, NOTED: list(external)}
    run.write_json("learnt.json", noted)


def _file(path: Path, fold: int | None) -> Path:
    """The file of weights that a path means."""
    if not path.is_dir():
        return path
    folds = sorted(path.glob("fold-*/run.json"))
    if folds and not RunFolder(path).facts():
        if fold is None:
            raise RunError(f"'{path}' holds one run a fold, and no fold is held out; name one of its runs", path)
        path = path / f"fold-{fold}"
    if not RunFolder(path).tagger.is_file():
        raise RunError(f"'{path}' holds no finished run to begin with; train it first, or name one of its files", path)
    return RunFolder(path).tagger


def _run_of(path: Path) -> RunFolder | None:
    """The run that a file lies in, which has noted what it learnt from."""
    return next((run for place in path.resolve().parents[:2] if (run := RunFolder(place)).facts()), None)


def _network(tensors: dict[str, Tensor], facts: dict[str, Any]) -> dict[str, Tensor]:
    """The network's tensors in a file of earmark: the averaged ones where there are."""
    averaged = facts.get("learner", {}).get("averaged")
    prefix = "network/" if "tagger" in facts else "average/" if averaged else "objective/network."
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _judges(manifest: Manifest, parts: Parts) -> frozenset[str]:
    """The clips that judge a run or choose in it, with all others of their groups."""
    ids = [name for part in (parts.held_out, parts.put_aside, parts.test) if part is not None for name in part.ids]
    clips = manifest.clips
    groups = clips.filter(pl.col("id").is_in(ids))["group"].drop_nulls().unique()
    return frozenset(ids).union(clips.filter(pl.col("group").is_in(groups.implode()))["id"])
