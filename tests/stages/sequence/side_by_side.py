"""A short sequence in two processes, each of which prints what it is told that stands where: SOUNDS STORE OUT."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from earmark.data.folds.stratified import Stratified
from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from tests.stages.sequence.conftest import TINY

LEARN = (
    "streams.noisy={origins: {noisy: 1}, batch_size: 8, crop: {length_s: 2.0}}",
    "objective.guessed={streams: [noisy], term: {kind: pseudo_labels, guesses: {file: guesses}}}",
)

if __name__ == "__main__":
    sounds, store, out = map(Path, sys.argv[1:])
    ground = Ground(sounds, store=store, folds=Stratified(n_folds=2), device="cpu")
    plan = Plan(ground, fold="0", devices=2)
    first = plan.train("first", read_recipe("demo", (*TINY, "training.epochs=1")))
    told = plan.guess("told", first)
    plan.train(
        "second",
        read_recipe("demo", (*TINY, *LEARN)),
        start=first,
        tables={"objective.guessed.term.guesses.file": told.own},
    )
    rows = carry_out(plan, out)
    # One write, so that lines of two processes cannot run into one another.
    os.write(1, (json.dumps({"first": ground.is_first, "rows": rows}) + "\n").encode())
