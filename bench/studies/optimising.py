"""How a short time is best spent: curated clips alone, the same time for all, only the way of descending differs."""

from __future__ import annotations

from bench.studies.arm import PLAIN, Arm, Study

_LARGE, _SMALL = "streams.curated.batch_size=32", "streams.curated.batch_size=16"


def _otherwise(name: str, *changes: str) -> Arm:
    return Arm(name, PLAIN, changes)


ARMS = (
    _otherwise("curated only", _LARGE),
    _otherwise("batches of 16", _SMALL),
    _otherwise("rate 0.009", _LARGE, "training.optimizer.lr=0.009"),
    _otherwise("batches of 16, AdamW", _SMALL, "training.optimizer={kind: adamw, lr: 0.006, weight_decay: 0.05}"),
    _otherwise("no mixup", _LARGE, "view.1.p=0"),
    _otherwise("one cycle", _LARGE, "training.optimizer.lr=0.01", "training.schedule={kind: one_cycle}"),
)

STUDIES = {"optimising": Study(ARMS, ("1", "3"), budget_s=180.0)}
