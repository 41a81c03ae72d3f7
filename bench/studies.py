"""What :mod:`bench.quality` compares: arms, which are recipes with changes, and studies of some of them."""

from __future__ import annotations

from typing import NamedTuple


class Arm(NamedTuple):
    """One way of training."""

    name: str
    recipe: str
    changes: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its runs lie below those of its study."""
        return self.name.replace(" ", "-")


class Study(NamedTuple):
    """Arms, and the folds to hold out in turn; ``none`` learns from all folds and is what test is reported for."""

    arms: tuple[Arm, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...] = (1,)
    """Every arm and fold is learnt once with each; predictions of several seeds are not averaged."""
    folder: str = ""
    """Where the runs lie, if not under the name of the study: studies of the same arms share their fits."""
    budget_s: float | None = None
    """If given, each arm trains for as many epochs as this many seconds of its own pace allow."""


ALL_FOLDS = ("0", "1", "2", "3", "4", "none")

_LOG_MEL = "{kind: log_mel, mel: {hop_samples: 694, n_mels: 64, fmax_hz: 22050}}"
_MIXING = "{kind: mixup, p: 0.5}"
_MASKS = "{kind: frequency_mask, p: 0.5, widest_bands: 12}, {kind: time_mask, p: 0.5}"


_EFFECTS = "{kind: effects, p: 0.5}"


def _augmented(name: str, *steps: str) -> Arm:
    return Arm(name, "small", ("training.epochs=40", f"view=[{', '.join(steps)}]"))


AUGMENTED = (
    _augmented("no augmentation", _LOG_MEL),
    _augmented("mixing", _LOG_MEL, _MIXING),
    _augmented("masks", _LOG_MEL, _MASKS),
    _augmented("effects", _EFFECTS, _LOG_MEL),
    _augmented("all", _EFFECTS, _LOG_MEL, _MIXING, _MASKS),
)


def _net(name: str, encoder: str, *changes: str) -> Arm:
    return Arm(name, "small", (f"model.encoder={encoder}", *changes))


_GENTLY = ("training.optimizer={kind: adamw, lr: 0.001, weight_decay: 0.05}", "training.schedule.warmup_epochs=5")

NETS = (
    Arm("skip net", "small"),
    _net("narrow skip net", "{kind: skip_cnn, widths: [16, 32, 64, 128]}"),
    _net("crnn", "{kind: crnn}"),
    _net("efficient", "{kind: efficient}"),
    _net("resnet", "{kind: resnet, layers: 18, width: 0.5}"),
    _net("mobilenet_v1", "{kind: mobilenet_v1, stem_stride: 2}"),
    _net("aux_attention", "{kind: aux_attention, width: 16}"),
    _net("patch_transformer", "{kind: patch_transformer}", *_GENTLY),
)

STUDIES = {
    "nets": Study(NETS, ("1", "3"), (1, 2), budget_s=180.0),
    "skip_net": Study(
        (Arm("skip net", "small"), Arm("the same without skips", "small", ("model.encoder.skip=false",))), ALL_FOLDS
    ),
    "augmentation": Study(AUGMENTED, ("1", "3"), (1, 2)),
    "augmentation_best": Study(
        tuple(arm for arm in AUGMENTED if arm.name in ("no augmentation", "effects", "all")),
        ALL_FOLDS,
        folder="augmentation",
    ),
}
