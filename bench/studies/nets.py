"""Networks, their sizes and losses, on curated clips only, all with the same time to learn."""

from __future__ import annotations

from bench.studies.arm import ALL_FOLDS, PLAIN, Arm, Study

_NARROW = "{kind: skip_cnn, widths: [16, 32, 64, 128]}"
_BATCHES = "streams.curated.batch_size=32"
_GENTLY = ("training.optimizer={kind: adamw, lr: 0.001, weight_decay: 0.05}", "training.schedule.warmup_epochs=5")


def _net(name: str, encoder: str, *changes: str) -> Arm:
    return Arm(name, PLAIN, (_BATCHES, f"model.encoder={encoder}", *changes))


def _loss(kind: str) -> Arm:
    return _net(kind, _NARROW, f"objective.labels.term.loss={{kind: {kind}}}")


def _seen_as(name: str, log_mel: str, encoder: str = _NARROW) -> Arm:
    """Another first step of the view; the others stay."""
    mel = f"{{kind: log_mel, mel: {{n_fft: 2560, fmin_hz: 20, fmax_hz: 22050, {log_mel}}}}}"
    return _net(name, encoder, f"view.0={mel}")


NARROW = _net("narrow skip net", _NARROW)

_FOCAL, _SOFTMAX = _loss("focal"), _loss("softmax_kl")

NETS = (
    NARROW,
    _net("skip net", "{kind: skip_cnn, widths: [32, 64, 128, 256]}"),
    _net("crnn", "{kind: crnn}"),
    _net("efficient", "{kind: efficient}"),
    _net("resnet", "{kind: resnet, layers: 18, width: 0.5}"),
    _net("mobilenet_v1", "{kind: mobilenet_v1, stem_stride: 2}"),
    _net("aux_attention", "{kind: aux_attention, width: 16}"),
    _net("patch_transformer", "{kind: patch_transformer}", *_GENTLY),
)

LOSSES = (NARROW, _loss("lsep"), _FOCAL, _loss("asymmetric"), _SOFTMAX)

SIZES = (
    NARROW,
    _net("narrower skip net", "{kind: skip_cnn, widths: [12, 24, 48, 96]}"),
    _net("skip net in between", "{kind: skip_cnn, widths: [24, 48, 96, 192]}"),
    _net("five blocks", "{kind: skip_cnn, widths: [16, 32, 64, 128, 256]}"),
    _net("narrow, 4 s", _NARROW, "streams.curated.crop.length_s=4"),
    _seen_as("narrow, frames of 31 ms", "hop_samples: 1388, n_mels: 64"),
    _seen_as("wide, frames of 31 ms", "hop_samples: 1388, n_mels: 64", "{kind: skip_cnn, widths: [32, 64, 128, 256]}"),
    _seen_as("narrow, 128 bands", "hop_samples: 1024, n_mels: 128"),
)

BEST = (NARROW, _FOCAL, _SOFTMAX)
"""The three that ranked highest on the folds of the other two studies."""

_BUDGET_S = 180.0

STUDIES = {
    "nets": Study(NETS, ("1", "3"), (1, 2), budget_s=_BUDGET_S),
    "losses": Study(LOSSES, ("1", "3"), (1, 2), folder="nets", budget_s=_BUDGET_S),
    "nets_best": Study(BEST, ALL_FOLDS, folder="nets", budget_s=_BUDGET_S),
    "sizes": Study(SIZES, ("1", "3"), (1,), folder="nets", budget_s=_BUDGET_S),
}
