"""Whether what a source found holds here: directions in plain words.

A direction holds where the interval of our paired difference lies wholly on the side that was published. Where it
includes zero nothing is settled, and the words say on which side our figure lies. That there is no difference cannot be
shown by an interval; it can only be contradicted by one.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from bench.league.published.table import Published, Sign, Told
from bench.league.standing import Standing, gain
from earmark.metrics import Interval
from earmark.metrics.bootstrap import Difference

Verdict = Literal["holds", "open", "fails", "missing", "none"]


class Finding(NamedTuple):
    """A published line beside ours."""

    told: Told
    score: Interval | None
    """Ours, of held-out clips."""
    test: Interval | None
    gain: Difference | None
    """Ours, paired, of held-out clips."""
    verdict: Verdict
    word: str


def findings(table: Published, standing: Standing) -> list[Finding]:
    """Every line of a published table beside what stands."""
    found = []
    for row in table.rows:
        ours = standing.entries.get(row.ours)
        before = standing.entries.get(row.against) if row.against else None
        difference = gain(before, ours, "held_out")
        sign = table.sign(row)
        verdict: Verdict = "none"
        word = ""
        if sign is not None:
            verdict, word = judgement(sign, difference)
        score, test = (None, None) if ours is None else (ours.score("held_out"), ours.score("test"))
        found.append(Finding(row, score, test, difference, verdict, word))
    return found


def judgement(published: Sign, ours: Difference | None) -> tuple[Verdict, str]:
    """Whether a published direction holds, and the words for it.

    >>> judgement(1, Difference(0.02, 0.01, 0.03, 1.0))
    ('holds', 'holds')
    >>> judgement(-1, Difference(0.02, 0.01, 0.03, 1.0))
    ('fails', 'does not hold: the other way, beyond doubt')
    >>> judgement(1, Difference(-0.01, -0.03, 0.01, 0.2))
    ('open', 'not settled: the other way, but the interval includes zero')
    >>> judgement(0, Difference(0.0, -0.01, 0.01, 0.5))
    ('open', 'not contradicted: the interval includes zero')
    """
    if ours is None or math.isnan(ours.low):
        return "missing", "not measured"
    beyond = ours.low > 0 or ours.high < 0
    if published == 0:
        if beyond:
            return "fails", f"does not hold: {'better' if ours.low > 0 else 'worse'}, beyond doubt"
        return "open", "not contradicted: the interval includes zero"
    same = ours.value * published > 0
    if beyond:
        return ("holds", "holds") if same else ("fails", "does not hold: the other way, beyond doubt")
    way = "the same way" if same else "the other way" if ours.value else "no difference"
    return "open", f"not settled: {way}, but the interval includes zero"
