"""Studies by name; each file holds a few."""

from __future__ import annotations

from bench.studies import augmentation, bridging, cleaned, few_trusted, hearsay, nets, optimising

STUDIES = (
    augmentation.STUDIES
    | nets.STUDIES
    | optimising.STUDIES
    | hearsay.STUDIES
    | cleaned.STUDIES
    | few_trusted.STUDIES
    | bridging.STUDIES
)
