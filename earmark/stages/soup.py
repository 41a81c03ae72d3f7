"""A weight soup, from the taggers of several runs or the snapshots of one to a tagger that averages their weights.

What comes of it is laid out like a run: a tagger to use, and its scores of the held-out fold and the test part. Taking
networks greedily asks the held-out fold which of them help, so the score of that fold is then a little too good, and
the folder says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.core.chance import Chance
from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.fingerprint import differences, fingerprint
from earmark.data.clips import Clips
from earmark.data.tables import write_predictions
from earmark.ensemble.soup import Soup, State, greedy, uniform
from earmark.inference.listening import hear_clips
from earmark.inference.predict import predict
from earmark.inference.tagger import Tagger, load_tagger
from earmark.metrics import lwlrap
from earmark.models.statistics import batch_norms, statistics_anew
from earmark.runs.checkpoints import load
from earmark.runs.folder import RunFolder
from earmark.stages.divide import Parts
from earmark.stages.external import NOTED, noted
from earmark.stages.show import Show

How = Literal["uniform", "greedy"]


@dataclass(frozen=True, eq=False)
class Ingredients:
    """Networks of one shape by the paths of their taggers, and what their runs say."""

    states: Mapping[str, State]
    learnt: frozenset[str] | None
    """Every clip that one of them has learnt from; none where a run does not say."""
    fold: int | None
    """The fold that all of them held out; none where they did not, or differ."""
    epochs: Mapping[str, Any]
    external: tuple[str, ...] = ()
    """What one of them took from elsewhere than the data."""

    @property
    def runs(self) -> tuple[RunFolder, ...]:
        """The runs that they lie in."""
        return tuple(_run_of(path) for path in self.paths)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The taggers."""
        return tuple(Path(name) for name in self.states)


def gather(sources: Sequence[Path], *, snapshots: bool = False) -> Ingredients:
    """Read taggers.

    Args:
        sources: taggers' files, or folders of runs.
        snapshots: whether a folder stands for the snapshots in it.

    Raises:
        RunError: there are none, fewer than two, or they are of different networks, views or vocabularies.
    """
    places = [place for source in sources for place in _taggers(source, snapshots)]
    if len(set(places)) < 2:
        raise RunError("a soup is made of two taggers at least; name more, or --snapshots to take those of a run")
    states, told, first = {}, {}, None
    for place in places:
        tensors, facts = load(place)
        if "tagger" not in facts:
            raise RunError(f"'{place}' is a checkpoint to go on training from, not a tagger; name tagger.safetensors")
        own = {name: value for name, value in facts["tagger"].items() if name not in ("run", "inference")}
        first = first or (place, own)
        apart = differences(first[1], own)
        if apart:
            name, was, now = apart[0]
            raise RunError(
                f"'{first[0]}' and '{place}' are different networks, of which there is no mean: {name} is {was!r} in "
                f"one and {now!r} in the other; take taggers of one recipe",
                place,
            )
        states[str(place)], told[str(place)] = tensors, facts.get("epoch")
    runs = [_run_of(place) for place in places]
    notes = [(run.read_json("learnt.json") or {}).get("clips") for run in runs]
    known = [clips for clips in notes if clips is not None]
    learnt = frozenset().union(*known) if len(known) == len(notes) else None
    folds = {run.facts().get("fold") for run in runs}
    external = tuple(dict.fromkeys(each for run in runs for each in noted(run)))
    return Ingredients(states, learnt, folds.pop() if len(folds) == 1 else None, told, external)


def make_soup(
    ingredients: Ingredients,
    how: How,
    parts: Parts | None,
    out: Path,
    show: Show,
    *,
    refresh_clips: int = 500,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> None:
    """Average the weights, take batch-norm statistics anew, and leave a tagger with its scores.

    Args:
        how: uniform takes all networks; greedy those that do not make the held-out score worse, the best first.
        parts: the clips to take statistics from, to judge by and to predict; none leaves the statistics averaged.
        out: a folder of its own.
        refresh_clips: how many training clips statistics are taken from at the most.
        seed: names which.

    Raises:
        SettingsError: greedy has no clips to judge by that no network has learnt from.
        RunError: the folder belongs to something else.
    """
    judges = _judges(ingredients, parts) if how == "greedy" else None
    said = {"how": how, "refresh_clips": refresh_clips if parts else 0, "seed": seed}
    ids = [] if parts is None else [list(each.ids) for each in (parts.training, parts.held_out, parts.test) if each]
    name = fingerprint(said, [_content(path) for path in ingredients.paths], ids)
    folder = RunFolder(out)
    if folder.facts().get("fingerprint") == name and folder.facts().get("finished"):
        show.say(f"'{out}' is made already")
        return
    tagger = load_tagger(ingredients.paths[0], device)
    refreshing = None if parts is None else _chosen(parts.training, refresh_clips, seed)

    def score(state: Mapping[str, torch.Tensor]) -> float:
        assert judges is not None
        _fill(tagger, state)
        _refresh(tagger, refreshing, show)
        return lwlrap(judges.targets, predict(tagger, judges).scores, known=judges.known)

    with folder.alone():
        folder.claim(name, {"soup": said}, {"fold": ingredients.fold, "soup": how})
        soup = uniform(ingredients.states) if judges is None else greedy(ingredients.states, score)
        _fill(tagger, soup.tensors)
        refreshed = _refresh(tagger, refreshing, show)
        for line in _lines(soup, ingredients, refreshed, tagger):
            show.say(line)
        _leave(tagger, soup, ingredients, parts, folder, said | {"refreshed": refreshed}, show)
        folder.note({"finished": True})


def _leave(
    tagger: Tagger,
    soup: Soup,
    ingredients: Ingredients,
    parts: Parts | None,
    folder: RunFolder,
    said: Mapping[str, Any],
    show: Show,
) -> None:
    """The tagger, what it has learnt from, how it was made, and its scores."""
    tagger.settings = tagger.settings.model_copy(update={"run": folder.path.name})
    tagger.save(folder.tagger)
    clips = None if ingredients.learnt is None else sorted(ingredients.learnt)
    learnt = {"classes": list(tagger.classes), "clips": clips, NOTED: list(ingredients.external)}
    folder.write_json("learnt.json", learnt)
    facts = {**said, "taken": list(soup.taken), "offered": list(ingredients.states), "held_out_lwlrap": soup.score}
    folder.write_json("soup.json", facts)
    chosen = soup.score is not None
    for part, heard in (("held_out", parts.held_out), ("test", parts.test)) if parts else ():
        if heard is None or (part == "held_out" and not _unlearnt(ingredients, heard)):
            continue
        made = predict(tagger, heard, track=show.track, what=f"predict {part}")
        facts = {**made.provenance, "soup": list(soup.taken), **({"chosen_by_these": True} if chosen else {})}
        fold = ingredients.fold if part == "held_out" else None
        folds = None if fold is None else np.full(len(made), fold, np.int64)
        write_predictions(replace(made, provenance=facts, folds=folds), folder.predictions(part))


def _judges(ingredients: Ingredients, parts: Parts | None) -> Clips:
    """The held-out clips, if no network has learnt from them."""
    if parts is None or parts.held_out is None:
        raise SettingsError(
            "a greedy soup asks held-out clips which networks help, but the runs held out no fold in common; take runs "
            "of one fold, or make a uniform one"
        )
    if not _unlearnt(ingredients, parts.held_out):
        raise SettingsError(
            f"a greedy soup asks held-out clips, but one of the networks has learnt from clips of fold "
            f"{ingredients.fold}, or does not say what it has learnt from; take runs that held out one fold"
        )
    return parts.held_out


def _unlearnt(ingredients: Ingredients, clips: Clips) -> bool:
    return ingredients.learnt is not None and ingredients.learnt.isdisjoint(clips.ids)


def _fill(tagger: Tagger, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put averaged weights into a tagger."""
    for prefix, module in (("network/", tagger.network), ("view/", tagger.view)):
        own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        module.load_state_dict(own)


def _refresh(tagger: Tagger, clips: Clips | None, show: Show) -> bool:
    """Take batch-norm statistics anew over clips, as they are heard in use; whether there were any to take.

    Nothing but the layers with statistics is in training, so no unit is dropped and nothing is random.
    """
    layers = batch_norms(tagger.network)
    if clips is None or not layers:
        return False
    if len(clips) < 2:
        raise DataError("batch statistics are taken over several clips, but there is just one; give --refresh 0")
    with statistics_anew(tagger.network):
        for layer in layers:
            layer.train()
        try:
            plans = [tagger.plan(int(n), name) for n, name in zip(clips.n_samples, clips.ids, strict=True)]
            what = "take batch statistics anew"
            hear_clips(tagger, clips, plans, False, show.track, what, lambda n: _in_company(tagger.grouped(n)))
        finally:
            tagger.network.eval()
    return True


def _in_company(groups: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The same groups, where those of one join the next before them: one clip alone has no statistics.

    >>> [group.tolist() for group in _in_company([np.array([3]), np.array([0, 1]), np.array([2])])]
    [[3, 0, 1, 2]]
    """
    found: list[NDArray[np.int64]] = []
    for group in groups:
        if found and 1 in (len(group), len(found[-1])):
            found[-1] = np.concatenate([found[-1], group])
        else:
            found.append(group)
    return found


def _chosen(clips: Clips, n: int, seed: int) -> Clips:
    if len(clips) <= n:
        return clips
    rows = Chance(seed).at("soup").numpy().permutation(len(clips))[:n]
    return clips.rows(np.sort(rows))


def _lines(soup: Soup, ingredients: Ingredients, refreshed: bool, tagger: Tagger) -> list[str]:
    """What was done, in sentences."""
    lines = [f"the mean of {len(soup.taken)} of {len(ingredients.states)} networks: {', '.join(soup.taken)}"]
    if soup.score is not None:
        lines.append(
            f"they were taken because of held-out clips (lwlrap {soup.score:.4f}), so that score is a little too good"
        )
    if batch_norms(tagger.network) and not refreshed:
        lines.append(
            "batch-norm statistics are the mean of the networks' own, which does not fit a mean of weights; give the "
            "data (--data) to take them anew"
        )
    return lines


def _taggers(source: Path, snapshots: bool) -> list[Path]:
    if source.is_file():
        return [source]
    run = RunFolder(source)
    found = list(run.snapshots.values()) if snapshots else [run.tagger]
    if not found or not found[0].is_file():
        what = "snapshots; train with training.snapshots: true" if snapshots else "tagger; finish its training first"
        raise RunError(f"'{source}' holds no {what}", source)
    return found


def _run_of(tagger: Path) -> RunFolder:
    """The run that a tagger lies in: beside it, or above its folder of snapshots."""
    return RunFolder(tagger.parent.parent if tagger.parent.name == "snapshots" else tagger.parent)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
