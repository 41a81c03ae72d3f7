"""A cleaning as a stage: verdicts on the noisy labels, and a new manifest to train on.

It is always the labels as they were given that are judged, not those that an earlier cleaning has left: in a loop of
choosing and training the guesses become better, not the labels fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from earmark.cleaning.case import Guesses
from earmark.core.manifest import Manifest
from earmark.data.tables import read_embeddings, read_predictions
from earmark.stages.clean import CleanSettings, Material, clean
from earmark.stages.sequence.stage import Stage

if TYPE_CHECKING:
    from earmark.stages.sequence.ground import Ground
    from earmark.stages.sequence.guessing import Guessing

Unguessed = Literal["refuse", "unlabelled"]


@dataclass(frozen=True, eq=False)
class Cleaning(Stage):
    """Judges the noisy labels by a rule and what earlier stages guessed."""

    settings: CleanSettings
    guesses: tuple[Guessing, ...] = ()
    unguessed: Unguessed = "refuse"
    """What becomes of noisy clips that nobody could guess about without having learnt from them."""

    kind = "clean"

    @property
    def reads(self) -> tuple[Stage, ...]:
        found: list[Stage] = []
        for each in self.guesses:
            found += [each, each.by]
        return tuple(dict.fromkeys(found))

    def says(self) -> str:
        by = f", by {' and '.join(each.name for each in self.guesses)}" if self.guesses else ""
        return f"{self.kind} with rule {self.settings.rule.kind}{by}"

    def asked(self, ground: Ground) -> object:
        return [self.settings, self.unguessed, ground.name(self.fold)]

    def work(self, ground: Ground, places: Mapping[Stage, Path]) -> None:
        material = self._material(ground, places)
        manifest = ground.clips(self.fold)
        if self.unguessed == "unlabelled" and self.guesses:
            manifest = self._without_unguessed(ground, manifest, material)
        clean(self.settings, manifest, material, places[self], ground.show)

    def _material(self, ground: Ground, places: Mapping[Stage, Path]) -> Material:
        """The guesses about noisy clips, those of each run about its held-out clips, and vectors where there are."""
        guesses, files, spaces = [], [], []
        for each in self.guesses:
            folder = places[each]
            runs = each.by.runs(places[each.by], ground.numbers(each.by.fold)).values()
            held_out = [place for run in runs if (place := run.predictions("held_out")).is_file()]
            parts, members = [each.mean.file(places), *held_out], each.members(folder)
            spaces += sorted([*folder.glob("embeddings.parquet"), *folder.glob("fold-*/embeddings.parquet")])
            files += [*parts, *members]
            guesses.append(
                Guesses(tuple(map(read_predictions, parts)), tuple(map(read_predictions, members)), each.name)
            )
        return Material(tuple(guesses), tuple(map(read_embeddings, spaces)), (*files, *spaces), ())

    def _without_unguessed(self, ground: Ground, manifest: Manifest, material: Material) -> Manifest:
        """The manifest with the noisy clips that lack a guess as unlabelled ones, and nothing known of their labels."""
        guessed = set.intersection(*(set(each.parts[0].ids) for each in material.guesses))
        lost = [name for name in manifest.where(part="train", origin="noisy").ids if name not in guessed]
        if not lost:
            return manifest
        ground.show.say(f"{len(lost)} noisy clips were learnt from by every run; they become unlabelled")
        clips = manifest.clips.with_columns(
            origin=pl.when(pl.col("id").is_in(lost)).then(pl.lit("unlabelled")).otherwise("origin")
        )
        said = manifest.current().filter(pl.col("clip").is_in(lost))
        forgotten = said.select("clip", "label", state=pl.lit("unknown"), by=pl.lit(f"{self.name}: no guess"))
        labels = manifest.revised(forgotten).labels
        return Manifest.of(clips, labels, classes=manifest.classes, unlisted=manifest.unlisted, root=manifest.root)

    def left(self, folder: Path) -> Iterable[Path]:
        for place in (folder, *folder.glob("fold-*")):
            yield from (each for each in place.iterdir() if each.stem in ("clips", "labels"))
