"""What the project set out to reach, each with whether it was.

Goals are judged by the test part once everything is done; nothing was chosen by it. A goal whose lines are not finished
is open, and so is one that is only reached because lines of the sources are missing yet. Budgets are equal where ours
is larger by a tenth at the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bench.league.standing import Entry, Part, Standing, gain
from earmark.reports.wording import duration, number, plural, span

_AHEAD, _WITHIN = 0.03, 0.01
_SMALL, _BEST = 0.74, 0.82
_TEN_MINUTES_S, _CORES = 600.0, 2
_EQUAL = 1.1


class Goal(NamedTuple):
    """One of them."""

    wanted: str
    found: str
    """What came, in words."""
    reached: bool | None
    """None where nobody knows yet."""

    @property
    def word(self) -> str:
        """Pass, fail or open."""
        return "open" if self.reached is None else "pass" if self.reached else "fail"


def goals(standing: Standing) -> list[Goal]:
    """All of them, in their order."""
    found: list[Callable[[Standing], Goal]] = [_best_ahead, _small_ahead, _distilled, _small_alone, _best_alone]
    return [each(standing) for each in found]


def _best_ahead(standing: Standing) -> Goal:
    wanted = f"`best` at least {_AHEAD} above the strongest reproduced system, at equal budget, on Private"
    best = standing.last("best")
    ends = [standing.last(line.name) for line in standing.lines if not line.own and line.listed]
    rival = _strongest((entry for entry in ends if entry), "Private")
    if best is None or rival is None:
        return _open(wanted, best, "best", rival, "any system")
    ahead, said = _ahead(rival, best, "Private")
    budgets = f"{duration(best.training_s)} of training against {duration(rival.training_s)}"
    equal = best.training_s <= _EQUAL * rival.training_s
    unequal = "" if equal else ", which is no equal budget"
    reached = None if ahead is None else ahead >= _AHEAD and equal
    return _so_far(standing, Goal(wanted, f"{said} above {rival.line.says} ({budgets}{unequal})", reached))


def _small_ahead(standing: Standing) -> Goal:
    wanted = "`small` above every single model of the sources, on Private"
    small = standing.last("small")
    models = (entry for entry in standing.entries.values() if entry.is_model and not entry.line.own)
    rival = _strongest(models, "Private")
    if small is None or rival is None:
        return _open(wanted, small, "small", rival, "any single model")
    ahead, said = _ahead(rival, small, "Private")
    reached = None if ahead is None else ahead > 0
    return _so_far(standing, Goal(wanted, f"{said} above the strongest, {rival.line.says}: {rival.stage}", reached))


def _distilled(standing: Standing) -> Goal:
    wanted = f"`small` taught by the ensemble `best` within {_WITHIN} of it, on test"
    student = standing.last("small-distilled")
    teacher = standing.entries.get(("small-distilled", "teacher"))
    if student is None or teacher is None:
        return _open(wanted, student, "small-distilled", teacher, "its teacher")
    ahead, said = _ahead(teacher, student, "test")
    return Goal(wanted, f"{said} above its teacher", None if ahead is None else ahead >= -_WITHIN)


def _small_alone(standing: Standing) -> Goal:
    wanted = f"`small` above {_SMALL} on test, within ten minutes of training on two cores"
    small = standing.last("small-alone")
    score = None if small is None else small.score("test")
    if small is None or score is None:
        return Goal(wanted, "line small-alone is not finished", None)
    in_time = small.training_s <= _TEN_MINUTES_S * (1 if standing.place.gpu else _CORES)
    said = f"{number(score.value)} ({span(score.low, score.high)}) after {duration(small.training_s)}"
    return Goal(wanted, f"{said} {_device(standing)}", score.value > _SMALL and in_time)


def _best_alone(standing: Standing) -> Goal:
    wanted = f"`best` as shipped above {_BEST} on test"
    best = standing.last("best-alone")
    score = None if best is None else best.score("test")
    if best is None or score is None:
        return Goal(wanted, "line best-alone is not finished", None)
    said = f"{number(score.value)} ({span(score.low, score.high)}) after {duration(best.training_s)}"
    return Goal(wanted, f"{said} {_device(standing)}", score.value > _BEST)


def _device(standing: Standing) -> str:
    return "of the GPU" if standing.place.gpu else "of one core"


def _so_far(standing: Standing, goal: Goal) -> Goal:
    """A goal that is reached against all lines of the sources, or only against those that are finished."""
    lacking = [line for line in standing.lines if not line.own and standing.last(line.name) is None]
    if not (goal.reached and lacking):
        return goal
    return goal._replace(found=f"{goal.found}; so far: {plural(len(lacking), 'line')} of sources missing", reached=None)


def _strongest(entries: Iterable[Entry], part: Part) -> Entry | None:
    """The entry with the highest score of a part; of equal ones the first."""
    scored = [(score.value, entry) for entry in entries if (score := entry.score(part)) is not None]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def _ahead(before: Entry, after: Entry, part: Part) -> tuple[float | None, str]:
    found = gain(before, after, part)
    if found is None:
        return None, "nobody knows how far"
    return found.value, f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _open(wanted: str, one: Entry | None, called: str, other: Entry | None, others: str) -> Goal:
    lacking = [name for entry, name in ((one, called), (other, others)) if entry is None]
    return Goal(wanted, f"not finished: {' and '.join(lacking)}", None)
