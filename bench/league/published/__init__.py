"""What the sources published, one file a source where there is much of it."""

from __future__ import annotations

from bench.league.published import akiyama_sato, ex4sperans, others
from bench.league.published.table import Published

TABLES: tuple[Published, ...] = (
    akiyama_sato.MODELS,
    akiyama_sato.AVERAGES,
    ex4sperans.GAINS,
    others.STAGES,
    others.TRANSFER,
    others.SKIPS,
)
