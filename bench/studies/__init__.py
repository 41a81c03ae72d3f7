"""Studies by name; each file holds a few."""

from __future__ import annotations

from bench.studies import augmentation, bridging, cleaned, hearsay, nets, optimising

STUDIES = (
    augmentation.STUDIES | nets.STUDIES | hearsay.STUDIES | cleaned.STUDIES | optimising.STUDIES | bridging.STUDIES
)
