"""Every term with the settings under which it is tried, and a world in which it can be at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earmark.core.batch import Batch
from earmark.core.predictions import Predictions
from earmark.core.spec import Spec
from earmark.data.streams import Stream
from earmark.data.tables import write_predictions
from earmark.models.network import ModelSettings
from earmark.objectives.material import Material
from earmark.objectives.objective import Objective, Part
from earmark.objectives.term import Term
from earmark.signal.augment.spectrogram.frequency_mask import FrequencyMask
from earmark.signal.step import Step
from earmark.signal.view import build_view
from tests.tiny import MODEL, N_CLASSES, RATE_HZ, VIEW, stream_of

CLASSES = ("a", "b", "c")
STREAMS = ("curated", "noisy")
GUESSES = {"file": "GUESSES"}
"""Stands for a file of guesses, which only a test can make."""
BEFORE = (*VIEW, FrequencyMask(p=1, narrowest_bands=4))
"""What a view begins with."""

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "apc": [{"cell": "gru", "layers": 1, "frames": 3, "normalise": False, "over_features": "sum"}],
    "consistency": [
        {"branches": "one"},
        {"branches": "one", "in_use": True},
        {"activation": "softmax", "over_classes": "sum"},
    ],
    "cpc": [{"negatives": "clip", "contrast": "each", "overlap": True}, {"negatives": "batch", "steps": 30}],
    "co_teaching": [{"by": "label", "ramp_epochs": 0}, {"start": "copied", "forget": 0.5, "ramp_epochs": 0}],
    "fixmatch": [
        {"present": 0.4, "adaptive": {"decay": 0.5}},
        {"present": 0.4, "only_with_present": False, "in_use": False},
    ],
    "mean_teacher": [
        {"decay": 0.5, "buffers": "copied", "loss": {"kind": "bce"}},
        {"every": "epoch", "buffers": "left"},
    ],
    "mixmatch": [{"n_views": 1, "at_once": False, "in_use": False, "sharpening": {"kind": "top_k"}, "ramp_epochs": 8}],
    "pseudo_labels": [
        {"guesses": GUESSES},
        {"guesses": GUESSES, "sharpening": None, "origins": ["noisy"]},
        {"guesses": GUESSES, "sharpening": {"kind": "hard"}, "loss": {"kind": "bce"}},
        {"guesses": GUESSES, "sharpening": {"kind": "top_k", "others": "zero"}},
    ],
    "refurbish": [
        {"rule": "blend", "from_epoch": 0},
        {"rule": "early_learning", "from_epoch": 0},
        {"certain": 0.51, "from_epoch": 0},
    ],
    "supervised": [
        {"missing": {"share": 0.3, "decay": 0.5}},
        {"missing": {"threshold": 0.4, "share": None, "guesses": GUESSES}},
        {"outliers": {"origins": None}, "gate": {}},
    ],
    "vat": [
        {"start": "uniform", "scale": "absolute", "step": 1.0, "probe": 10.0, "over_classes": "sum"},
        {"divergence": "bce", "n_iterations": 2},
        {"n_iterations": 0},
    ],
}


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Kinds and settings: the defaults, where there are enough of them, and the variants."""
    found: list[tuple[str, dict[str, Any]]] = []
    for kind, member in Term.members().items():
        plain = [] if any(field.is_required() for field in member.model_fields.values()) else [{}]
        found += [(kind, settings) for settings in [*plain, *VARIANTS.get(kind, [])]]
    return found


@cache
def streams(batch_size: int = 4) -> dict[str, Stream]:
    """Two streams of the same twelve names, with sounds of their own."""
    return {name: stream_of((4000,) * 12, batch_size=batch_size, seed=seed) for seed, name in enumerate(STREAMS)}


@cache
def batches(number: int = 0) -> dict[str, Batch]:
    """A batch of each stream."""
    return {name: stream.batch(number) for name, stream in streams().items()}


@cache
def material(fold: int | None = None) -> Material:
    """What the terms meet."""
    return Material(CLASSES, {name: stream.clips for name, stream in streams().items()}, fold)


def guesses(path: Path, fold: int = 0, **facts: Any) -> Path:
    """A file of guesses about all twelve clips by a model that held out this fold."""
    ids = tuple(f"clip {i}" for i in range(12))
    scores = np.random.default_rng(0).normal(size=(12, N_CLASSES)).astype(np.float32)
    made = Predictions(ids, CLASSES, scores, folds=np.full(12, fold, np.int64))
    write_predictions(made if not facts else Predictions(**{**vars(made), **facts}), path)
    return path


def term_of(kind: str, settings: dict[str, Any], folder: Path) -> Term:
    """The term, with a file of guesses where it wants one."""

    def filled(value: Any) -> Any:
        if value == GUESSES:
            return {"file": str(guesses(folder / "guesses.parquet"))}
        return {key: filled(each) for key, each in value.items()} if isinstance(value, dict) else value

    return Term.members()[kind].model_validate(filled(settings))


def part_of(term: Term, **rest: Any) -> Part:
    """A part on the noisy stream, or on both where one is not enough."""
    return Part(streams=STREAMS if term.least_streams > 1 else ("noisy",), term=term, **rest)


def objective_for(term: Term, model: ModelSettings = MODEL, **part: Any) -> Objective:
    """An objective of this term alone, which has met its material."""
    return objective_with_parts({"it": part_of(term, **part)}, model)


def objective_with_parts(
    parts: Mapping[str, Part], model: ModelSettings = MODEL, *steps: Step, before: Sequence[Step] = BEFORE
) -> Objective:
    """An objective whose view has an augmentation, and steps besides, that has met its material."""
    view = build_view((*before, *steps), Spec("wave", RATE_HZ))
    torch.manual_seed(0)
    network = model.build(view.spec, N_CLASSES)
    last = [module for module in network.heads["main"].modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.bias += torch.tensor([1.2, 0.0, -3.5])  # else nobody would be sure of anything yet
    objective = Objective(parts, view, network)
    objective.meet(material())
    return objective
