"""Clips that are hardly sound: silent, mostly silent, clipped, or shifted away from zero."""

from __future__ import annotations

import polars as pl

from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey

FAULTS = {"silent": "peak_db", "mostly silent": "silence", "clipped": "clipped", "offset": "offset"}
"""Each fault with the measure that tells it."""


def suspects(survey: Survey, settings: AuditSettings) -> pl.DataFrame:
    """A row a clip and fault: ``fault``, ``id``, ``file``, ``set``, ``value`` of what tells it, the worst first.

    A silent clip has no other fault.
    """
    silent = pl.col("peak_db") < settings.silent_db
    tells = {
        "silent": silent,
        "mostly silent": ~silent & (pl.col("silence") >= settings.mostly_silent),
        "clipped": ~silent & (pl.col("clipped") >= settings.clipped),
        "offset": ~silent & (pl.col("offset").abs() >= 10 ** (settings.offset_db / 20)),
    }
    table = survey.table.with_columns(file=pl.Series(survey.clips.files, dtype=pl.String))
    parts = []
    for fault, measure in FAULTS.items():
        worst = pl.col(measure).abs()
        found = table.filter(tells[fault]).sort(worst, "id", descending=[True, False])
        parts.append(found.select(pl.lit(fault).alias("fault"), "id", "file", "set", value=pl.col(measure)))
    return pl.concat(parts)
