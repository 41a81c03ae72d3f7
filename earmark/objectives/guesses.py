"""Guesses that are given from outside: predictions in a file, for the clips of a stream.

Whose guesses they are decides what a score is worth. The models of other folds have learnt from the fold that is held
out here, and what they think of similar clips carries some of it over (Akiyama and Sato, 2019, found 0.012 of lwlrap
by it that way). So guesses are to come from a model that held out the same fold; others are refused, unless
``leak: true`` says that the score may be too good, which the log and the report then say as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import HOLDS_OUT, Link, Predictions, sources
from earmark.core.settings import Incidental, Settings, nearest
from earmark.data.tables import read_predictions
from earmark.objectives.material import Material, Register

_FOLD = "{fold}"


class Given(NamedTuple):
    """What a file says of some clips."""

    chances: Float[Tensor, "clips classes"]
    """Probabilities; 0 where there is no guess."""
    guessed: Bool[Tensor, " clips"]
    """Whether there is one."""
    notes: tuple[str, ...]
    """What the log and the report should say of it."""


class Guesses(Settings):
    """Predictions in a file, and what they may be used for."""

    file: Annotated[str, Incidental(), Field(min_length=1)]
    """A .parquet, .csv or .npz of predictions; ``{fold}`` in it stands for the fold that is held out. What it holds
    belongs to what a run is, where it lies does not."""
    link: Link = "logit"
    """What the scores are, where the file does not say."""
    leak: bool = False
    """Whether guesses are used that come from models which may have learnt from the held-out fold. The score is then
    too good."""
    learnt: bool = False
    """Whether it is meant that models speak of clips which they have learnt from, as a teacher does; else it is noted,
    for about a label that is wrong they repeat what they were told."""
    partial: bool = False
    """Whether clips may be without a guess, as those are that every model has learnt from; nothing is made of them."""

    def path(self, fold: int | None) -> Path:
        """The file.

        Raises:
            SettingsError: it is named by the held-out fold, and there is none.
        """
        if fold is None and _FOLD in self.file:
            raise SettingsError(
                f"the guesses '{self.file}' are named by the fold that is held out, and none is; hold one out (--fold),"
                " or name a file"
            )
        return Path(self.file.replace(_FOLD, str(fold)))

    def read(self, register: Register, material: Material, what: str) -> Given:
        """The guesses for these clips.

        Args:
            register: the clips, in the order of the rows.
            material: what the training learns from, with what is held out.
            what: names the clips in a message ("stream 'noisy'").

        Raises:
            SettingsError: guesses leak, or nobody knows, and the settings do not allow it.
            DataError: the file is no predictions, of other classes, or lacks a clip.
        """
        classes, path = material.classes, self.path(material.fold)
        found = read_predictions(path, link=self.link)
        for mine, theirs, whose in ((classes, found.classes, "the data"), (found.classes, classes, "the guesses")):
            lacking = [name for name in mine if name not in theirs]
            if lacking:
                raise DataError(
                    f"the guesses in '{path}' and {what} are over different classes: only {whose} have '{lacking[0]}' "
                    f"({nearest(lacking[0], theirs)}); predict with a tagger of the same classes",
                    path,
                )
        heard = set(found.ids)
        there = [row for row, name in enumerate(register.ids) if name in heard]
        if len(there) < len(register) and not (there and self.partial):
            first = next(name for name in register.ids if name not in heard)
            raise DataError(
                f"the guesses in '{path}' and {what} do not fit: {len(register) - len(there)} of {len(register)} clips "
                f"have no guess, such as '{first}'; predict these too, or set partial: true to do without them",
                path,
            )
        try:
            found = found.aligned([register.ids[row] for row in there], classes).on("probability")
        except DataError as error:
            raise DataError(f"the guesses in '{path}' for {what} cannot be used: {error}", path) from None
        n_leaking = self._leaking(found, material, path, what)
        chances = np.zeros((len(register), len(classes)), np.float32)
        chances[there] = found.scores
        guessed = np.isin(np.arange(len(register)), there)
        notes = _notes(n_leaking, len(register) - len(there), len(register), what)
        if found.provenance.get("out_of_fold") is False and not self.learnt:
            notes += (f"Some guesses for {what} come from models that have learnt from the very clips they guess.",)
        return Given(torch.from_numpy(chances), torch.from_numpy(guessed), notes)

    def _leaking(self, found: Predictions, material: Material, path: Path, what: str) -> int:
        """How many rows come from a model that did not hold the same clips out, as far as anybody knows."""
        fold = material.fold
        if fold is None:
            return 0  # nothing is held out that could be given away
        folds = _folds(found)
        others = folds != fold
        if material.held_out and not _holders(found.provenance, fold) <= {material.held_out}:
            others |= folds == fold
        if others.any() and not self.leak:
            first = int(others.argmax())
            whose = "of no known fold" if folds[first] < 0 else f"of fold {folds[first]}"
            whose += " of another split" if folds[first] == fold else ""
            raise SettingsError(
                f"the guesses in '{path}' are not out of fold {fold}, which is held out here: that for clip "
                f"'{found.ids[first]}' of {what} comes from a model {whose}; give guesses of a model that held out "
                f"fold {fold} (the path may say {_FOLD}), or set leak: true, which is noted"
            )
        return int(others.sum())


def _folds(found: Predictions) -> NDArray[np.int64]:
    """The fold that the model of each row held out, -1 where nobody knows."""
    if found.folds is not None:
        return found.folds
    fold = found.provenance.get("fold")
    return np.full(len(found), -1 if fold is None else int(fold), np.int64)


def _holders(provenance: Mapping[str, Any], fold: int) -> set[str]:
    """The names of the clips that models held out as this fold, as far as they say it: folds of other splits have the
    same numbers."""
    return {each[HOLDS_OUT] for each in sources(provenance) if each.get("fold") == fold and each.get(HOLDS_OUT)}


def _notes(n_leaking: int, n_lacking: int, n: int, what: str) -> tuple[str, ...]:
    """What the log and the report should say of guesses that leak or are not there."""
    leaking = (
        f"The guesses for {n_leaking} of {n} clips of {what} come from models that may have learnt from the held-out "
        "fold, so its score is too good."
    )
    lacking = f"{n_lacking} of {n} clips of {what} have no guess, and nothing is made of them."
    return ((leaking,) if n_leaking else ()) + ((lacking,) if n_lacking else ())
