"""Training, from prepared clips to a tagger, its predictions and its scores.

One run trains one model: on all folds, or with one held out. A run belongs to its fingerprint; started again, it
goes on after the last whole epoch and ends as if it had never stopped.
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from earmark.core.errors import SettingsError
from earmark.core.files import write_text_atomically
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.core.predictions import CHOSE, HOLDS_OUT, Predictions
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.streams import Stream
from earmark.data.tables import write_predictions
from earmark.inference.predict import predict
from earmark.inference.tagger import Tagger
from earmark.metrics import lwlrap
from earmark.models.network import n_parameters
from earmark.objectives.objective import Objective
from earmark.runs.checkpoints import load, save
from earmark.runs.environment import environment
from earmark.runs.folder import RunFolder
from earmark.runs.summaries import Summaries, summaries
from earmark.schedules.schedule import watched_score
from earmark.stages.beginning import begin, contents
from earmark.stages.divide import Parts, divide, folds_aside
from earmark.stages.external import external_of
from earmark.stages.prepare import packed, said
from earmark.stages.recipe import Recipe
from earmark.stages.show import Show
from earmark.stages.warm_start import WarmStart, find_weights, note_learnt
from earmark.training.devices import precision_named
from earmark.training.fit import Epoch, fit, steps_per_epoch
from earmark.training.learner import Learner
from earmark.training.settings import EarlyStopping, TrainingSettings
from earmark.training.use import weights_of_use

_UNTAUGHT = (
    "No part of the objective trains head 'main', so there are no scores: this run is for its encoder, with which "
    "another recipe can begin (model.start)."
)


def train(
    recipe: Recipe, manifest: Manifest, store: Store, run: RunFolder, fold: int | None, show: Show, fabric: Fabric
) -> bool:
    """Train, predict, and leave a tagger; true if there was anything left to do.

    Args:
        manifest: with folds, where one is held out.
        fold: the fold that is held out; none trains on everything.
        fabric: launched; where there are several processes, the first one alone writes.

    Raises:
        RunError: the folder belongs to a run with other settings.
        SettingsError, DataError, Diverged: see there.
    """
    if fold is None and recipe.training.choosers:
        name = next(iter(recipe.training.choosers))
        raise SettingsError(f"{name} needs a held-out fold, or there is no other to go by; give --fold, or remove it")
    precision = precision_named(recipe.training.precision, fabric.device)
    warm = find_weights(recipe.model.start, fold)
    begun = [warm.name] if warm else []
    read = contents(recipe, fold)
    name = fingerprint(recipe, precision, said(manifest), packed(manifest, store), fold, *begun, *read)
    origins = sorted({origin for stream in recipe.streams.values() for origin in stream.origins})
    aside = folds_aside(recipe, manifest, fold)
    parts = divide(manifest, store, fold, origins, aside)
    start = {"start": warm.facts(warm.n_leaked(manifest, parts))} if warm else {}
    external = external_of(recipe, manifest, warm, fold)
    with run.alone() if fabric.is_global_zero else nullcontext():
        if fabric.is_global_zero:
            facts = {
                "fold": fold,
                HOLDS_OUT: parts.held_out_name,
                CHOSE: list(recipe.training.chosen_by_held_out.values()),
                "put_aside": list(aside),
                "data": str(manifest.root),
                "classes": len(manifest.classes),
            }
            run.claim(name, recipe.model_dump(mode="json"), facts | start)
        fabric.barrier()
        if run.facts()["finished"]:
            show.say(f"run '{run.path}' is finished already")
            return False
        if fabric.is_global_zero:
            run.write_json("environment.json", environment() | {"device": str(fabric.device)})
            write_text_atomically(run.path / "command.txt", shlex.join(sys.argv) + "\n")
            run.write_json("classes.json", {name: number for number, name in enumerate(manifest.classes)})
            note_learnt(run, manifest, parts, warm, external)
            run.note({"external_data": list(external)})
        for line in external:
            show.say(f"external data: {line}")
        wanted = recipe.training.summaries and fabric.is_global_zero
        with summaries(run.path, show.say, wanted=wanted) as curves:
            _learn(recipe, manifest, run, parts, fold, show, fabric, warm, curves)
    fabric.barrier()
    return True


def _learn(
    recipe: Recipe,
    manifest: Manifest,
    run: RunFolder,
    parts: Parts,
    fold: int | None,
    show: Show,
    fabric: Fabric,
    warm: WarmStart | None,
    curves: Summaries,
) -> None:
    """From the first weights, or those that the run was left with, to a tagger and its predictions."""
    training = recipe.training
    start = begin(recipe, manifest.classes, parts.training, run.path.name, fabric, warm, fold, parts.held_out_name)
    tagger, streams = start.tagger, start.streams
    _say_what(show, parts, start.objective, streams, fabric.device, precision_named(training.precision, fabric.device))
    notes = (*start.objective.notes, *(() if recipe.taught else (_UNTAUGHT,)))
    if notes and fabric.is_global_zero:
        run.note({"notes": list(notes)})
    for line in notes:
        show.say(line)
    learner = Learner(start.objective, training.optimizer, training.average)
    history = _go_on(run, learner, show)
    fabric.barrier()
    if history and fabric.is_global_zero:
        run.write_log(history)
        curves.write(history)
    if not history:
        start.fit_view()
        for line in [f"begins with '{warm.path}':", *start.fitting.lines()] if warm and start.fitting else ():
            show.say(line)
    stopper = training.early_stopping
    key, watched = _watched(parts, training)
    keeping = training.snapshots_after(steps_per_epoch(streams, training))
    if not (stopper and _out_of_patience(history, stopper)):
        for epoch in fit(fabric, learner, streams, training, start.chance, history=history, track=show.track):
            history.append(_row(epoch))
            warnings = start.objective.warnings(history)
            if warnings:
                history[-1]["warnings"] = warnings
            scored = recipe.taught and watched is not None and _due(epoch.number, training)
            kept = epoch.number in keeping
            if scored or kept:
                tagger.network.load_state_dict(weights_of_use(fabric, learner, streams, training, start.chance))
            if scored and watched is not None:
                history[-1][key] = fabric.broadcast(_score(tagger, watched))
            if fabric.is_global_zero:
                if kept:  # before the checkpoint: a run that is killed in between makes this epoch again, and it too
                    tagger.save(run.snapshot(epoch.number), epoch=epoch.number)
                _keep(run, learner, history, stopper.least_gain if stopper else 0.0)
                curves.write(history)
            show.say(_line(history[-1], training.epochs))
            for line in warnings:
                show.say(line)
            if stopper and _out_of_patience(history, stopper):
                show.say(f"no better score in {stopper.patience_epochs} epochs; stopped")
                break
    fabric.barrier()
    if stopper:
        learner.load(*_tensors_and_facts(run.best))
    tagger.network.load_state_dict(weights_of_use(fabric, learner, streams, training, start.chance))
    if fabric.is_global_zero:
        _finish(run, tagger, parts, training, show)


def _go_on(run: RunFolder, learner: Learner, show: Show) -> list[dict[str, Any]]:
    """Put the learner where the run was left, and give back its history."""
    if not run.last.is_file():
        return []
    tensors, facts = load(run.last)
    learner.load(tensors, facts["learner"])
    history: list[dict[str, Any]] = facts["history"]
    show.say(f"going on after epoch {learner.epoch}")
    return history


def _keep(run: RunFolder, learner: Learner, history: list[dict[str, Any]], least_gain: float) -> None:
    """Save the checkpoints, then the log that agrees with them.

    The best one comes first: a run that is killed in between makes this epoch again, and both with it. The other way
    round it would go on from this epoch without its best.
    """
    tensors, facts = learner.state()
    if best_epoch(history, least_gain) == history[-1]["epoch"]:
        save(run.best, tensors, {"learner": facts, "history": history})
    save(run.last, tensors, {"learner": facts, "history": history})
    run.write_log(history)


def _tensors_and_facts(path: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, facts = load(path)
    return tensors, facts["learner"]


def _row(epoch: Epoch) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        **epoch.losses,
        "lr": epoch.lr,
        "gradient_norm": epoch.gradient_norm,
        "seconds": round(epoch.seconds, 3),
        "clips_per_s": round(epoch.clips_per_s, 1),
        **({"signs": epoch.signs} if epoch.signs else {}),
    }


def _watched(parts: Parts, training: TrainingSettings) -> tuple[str, Clips | None]:
    """The clips whose score every so many epochs is known, and what that is called."""
    if parts.put_aside is not None and training.watch == "next_fold":
        return "put_aside_lwlrap", parts.put_aside
    return "held_out_lwlrap", parts.held_out


def _score(tagger: Tagger, clips: Clips) -> float:
    return lwlrap(clips.targets, predict(tagger, clips).scores, known=clips.known)


def _due(epoch: int, training: TrainingSettings) -> bool:
    return epoch % training.score_epochs == 0 or epoch == training.epochs


def best_epoch(history: list[dict[str, Any]], least_gain: float = 0.0) -> int | None:
    """The first epoch whose watched score no later one exceeds by more than ``least_gain``; none before any score.

    >>> best_epoch([{"epoch": 1}, {"epoch": 2, "held_out_lwlrap": 0.5}, {"epoch": 3, "held_out_lwlrap": 0.5}])
    2
    """
    best: tuple[int, float] | None = None
    for row in history:
        score = watched_score(row)
        if score is not None and (best is None or score > best[1] + least_gain):
            best = (row["epoch"], score)
    return None if best is None else best[0]


def _out_of_patience(history: list[dict[str, Any]], stopper: EarlyStopping) -> bool:
    best = best_epoch(history, stopper.least_gain)
    return best is not None and history[-1]["epoch"] - best >= stopper.patience_epochs


def _line(row: Mapping[str, Any], n_epochs: int) -> str:
    found = watched_score(row)
    whose = "put-aside" if "put_aside_lwlrap" in row else "held-out"
    score = "" if found is None else f", {whose} lwlrap {found:.4f}"
    return (
        f"epoch {row['epoch']:>3}/{n_epochs}: loss {row['total']:.4f}{score}, lr {row['lr']:.2e}, "
        f"{row['clips_per_s']:.0f} clips/s"
    )


def _say_what(
    show: Show, parts: Parts, objective: Objective, streams: Mapping[str, Stream], device: torch.device, precision: str
) -> None:
    n = n_parameters(objective.network)
    plan = ", ".join(
        f"{name} {len(s.clips)} clips in batches of {s.settings.batch_size}" for name, s in streams.items()
    )
    held = f"; held out: {len(parts.held_out)} clips" if parts.held_out is not None else ""
    held += f"; put aside: {len(parts.put_aside)} clips" if parts.put_aside is not None else ""
    show.say(f"{n:,} parameters on {device} in {precision}; streams: {plan}{held}")
    if parts.training.missing:
        show.say(f"{len(parts.training.missing)} clips are in quarantine and left out")


def _finish(run: RunFolder, tagger: Tagger, parts: Parts, training: TrainingSettings, show: Show) -> None:
    """Leave what the run was for: the tagger and, where it can have any, its predictions."""
    tagger.save(run.tagger)
    by_held_out = training.watch == "held_out"
    chosen = {"held_out" if by_held_out else "put_aside": list(training.choosers.values())}
    for name, clips in (("held_out", parts.held_out), ("put_aside", parts.put_aside), ("test", parts.test)):
        if clips is not None and tagger.settings.taught:
            made = predict(tagger, clips, track=show.track, what=f"predict {name.replace('_', '-')}")
            facts = {**made.provenance, **({CHOSE: chosen[name]} if chosen.get(name) else {})}
            facts |= {HOLDS_OUT: parts.held_out_name} if name == "held_out" else {}
            fold = run.facts()["fold"] if name == "held_out" else None
            write_predictions(dataclasses.replace(_of_fold(made, fold), provenance=facts), run.predictions(name))
    kept = {"snapshots": list(run.snapshots)} if run.snapshots else {}
    run.note({"finished": True, "taught": tagger.settings.taught} | kept)


def _of_fold(predictions: Predictions, fold: int | None) -> Predictions:
    folds = None if fold is None else np.full(len(predictions), fold, dtype=np.int64)
    return dataclasses.replace(predictions, folds=folds)
