"""How a short time is best spent: curated clips alone, the same time for all, only the way of descending differs."""

from __future__ import annotations

from bench.studies.arm import Arm, Study
from bench.studies.hearsay import ALONE

_SMALL_BATCHES = "streams.curated.batch_size=16"


def _otherwise(name: str, *changes: str) -> Arm:
    return Arm(name, "small", changes)


ARMS = (
    ALONE,
    _otherwise("batches of 16", _SMALL_BATCHES),
    _otherwise("rate 0.009", "training.optimizer.lr=0.009"),
    _otherwise(
        "batches of 16, AdamW", _SMALL_BATCHES, "training.optimizer={kind: adamw, lr: 0.006, weight_decay: 0.05}"
    ),
    _otherwise("no mixup", "view.1.p=0"),
    _otherwise("one cycle", "training.optimizer.lr=0.01", "training.schedule={kind: one_cycle}"),
)

STUDIES = {"optimising": Study(ARMS, ("1", "3"), folder="hearsay", budget_s=180.0)}
