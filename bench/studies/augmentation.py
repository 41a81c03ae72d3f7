"""Augmentations, on a skip net and curated clips only."""

from __future__ import annotations

from bench.studies.arm import ALL_FOLDS, PLAIN, Arm, Study

_BATCHES = "streams.curated.batch_size=32"
_WIDE = "model.encoder.widths=[32, 64, 128, 256]"
_LOG_MEL = "{kind: log_mel, mel: {hop_samples: 694, n_mels: 64, fmax_hz: 22050}}"
_MIXING = "{kind: mixup, p: 0.5}"
_MASKS = "{kind: frequency_mask, p: 0.5, widest_bands: 12}, {kind: time_mask, p: 0.5}"


_EFFECTS = "{kind: effects, p: 0.5}"


def _augmented(name: str, *steps: str) -> Arm:
    return Arm(name, PLAIN, (_BATCHES, _WIDE, "training.epochs=40", f"view=[{', '.join(steps)}]"))


AUGMENTED = (
    _augmented("no augmentation", _LOG_MEL),
    _augmented("mixing", _LOG_MEL, _MIXING),
    _augmented("masks", _LOG_MEL, _MASKS),
    _augmented("effects", _EFFECTS, _LOG_MEL),
    _augmented("all", _EFFECTS, _LOG_MEL, _MIXING, _MASKS),
)


STUDIES = {
    "skip_net": Study(
        (
            Arm("skip net", PLAIN, (_BATCHES, _WIDE)),
            Arm("the same without skips", PLAIN, (_BATCHES, _WIDE, "model.encoder.skip=false")),
        ),
        ALL_FOLDS,
    ),
    "augmentation": Study(AUGMENTED, ("1", "3"), (1, 2)),
    "augmentation_best": Study(
        tuple(arm for arm in AUGMENTED if arm.name in ("no augmentation", "effects", "all")),
        ALL_FOLDS,
        folder="augmentation",
    ),
}
