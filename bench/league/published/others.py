"""The stages of J. Deng (2019), and the few figures of two more sources."""

from __future__ import annotations

from bench.league.published.table import Published, Told

_WARM, _TUNED, _LAST = (("three_stages", name) for name in ("warm-up", "fine-tune", "semi-supervised"))
_BASELINE = ("rftexas", "baseline")

STAGES = Published(
    "Three stages",
    "J. Deng (2019)",
    "Published: a tenth of the curated clips, at the epoch that was best there, and another tenth that was put aside. "
    "Ours: all folds together, at the last epoch, and the test part.",
    (
        Told("0: warm-up on noisy clips", _WARM, None, 0.285),
        Told("1: fine-tuning on curated clips", _TUNED, _WARM, 0.828),
        Told("2: filtered labels and consistency", _LAST, _TUNED, 0.836),
    ),
    {_WARM: 0.282, _TUNED: 0.791, _LAST: 0.816},
)

TRANSFER = Published(
    "Three models",
    "rftexas and PAB (2019)",
    "Published: the authors' own validation clips. Ours: all folds together.",
    (
        Told("baseline", _BASELINE, None, 0.81),
        Told("begun with noisy clips", ("rftexas", "transfer"), _BASELINE, 0.83),
        Told(
            "with guesses for noisy labels",
            ("rftexas", "pseudo-labels"),
            _BASELINE,
            words="no significant gain",
            sign=0,
        ),
        Told("the mean of the three", ("rftexas", "ensemble"), _BASELINE, words="helps", sign=1),
    ),
)

SKIPS = Published(
    "Skips",
    "L. Schoneveld (2019)",
    "Published: the Public part of the challenge. Ours: all folds together.",
    (
        Told("blocks without skips", ("schoneveld-no-skip",) * 2, None, 0.610),
        Told("blocks that hand their input on", ("schoneveld", "net"), ("schoneveld-no-skip",) * 2, 0.639),
    ),
)
