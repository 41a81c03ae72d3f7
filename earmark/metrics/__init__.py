"""How good a ranking of classes is: pure functions of truth and scores.

Every function takes arrays [clips, classes] (or what numpy can turn into them) and works in float64. ``truth`` holds
labels: anything above 0 is one. ``scores`` may be on any link, since only their order counts; infinities are
welcome, NaN is refused. ``known``, where it is given, marks by True the classes of a clip about which the truth is
known; all others are left out, as a label and as a competitor.
"""

from __future__ import annotations

from earmark.metrics.bootstrap import (
    ClassIntervals,
    Difference,
    Interval,
    bootstrap_difference,
    bootstrap_interval,
    lwlrap_class_intervals,
    lwlrap_difference,
    lwlrap_interval,
)
from earmark.metrics.lwlrap import LwlrapSums, Ties, clip_lrap, lwlrap, lwlrap_sums, precision_at_labels
from earmark.metrics.precision import (
    auroc,
    average_precision,
    mean_average_precision,
    mean_average_precision_on,
    micro_average_precision,
)

__all__ = [
    "ClassIntervals",
    "Difference",
    "Interval",
    "LwlrapSums",
    "Ties",
    "auroc",
    "average_precision",
    "bootstrap_difference",
    "bootstrap_interval",
    "clip_lrap",
    "lwlrap",
    "lwlrap_class_intervals",
    "lwlrap_difference",
    "lwlrap_interval",
    "lwlrap_sums",
    "mean_average_precision",
    "mean_average_precision_on",
    "micro_average_precision",
    "precision_at_labels",
]
