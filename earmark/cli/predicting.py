"""What ``earmark predict`` does with the parts of a run, and ``earmark choose``, once imports no longer matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earmark.cli.console import Console
from earmark.cli.work import prepared_for
from earmark.core.errors import SettingsError
from earmark.core.settings import nearest
from earmark.reports.tables import scores_as_text
from earmark.stages.choose import Choice, candidates_in, choose, keep
from earmark.stages.finished_runs import runs_in
from earmark.stages.predict import NOISY, guess_noisy
from earmark.stages.predict_again import PARTS, Asked, predict_again
from earmark.stages.score import compare, rows
from earmark.training.devices import device_named

_RESAMPLES = 2000


def predict_parts(
    run: Path,
    parts: Sequence[str],
    name: str,
    changes: Sequence[str],
    data: Path | None,
    store: Path | None,
    embed: bool,
    snapshots: bool,
    device: str,
    console: Console,
) -> int:
    """``earmark predict``."""
    asked = list(dict.fromkeys(part.replace("-", "_") for part in parts))
    for part in asked:
        if part not in (NOISY, *PARTS):
            raise SettingsError(f"there is no part '{part}' to predict; {nearest(part, (NOISY, *PARTS))}")
    again = [Asked(part, name, tuple(changes), snapshots) for part in PARTS if part in asked]
    if NOISY in asked and name:
        raise SettingsError("guesses about noisy clips have the one name; leave --as away, or name other parts")
    if embed and NOISY not in asked:
        raise SettingsError("vectors are written with guesses about noisy clips; leave --embed away")
    if NOISY in asked:
        predict_noisy(run, data, store, embed, snapshots, device, console, changes)
    if again:
        _predict_again(run, again, data, store, device, console)
    return 0


def predict_noisy(
    run: Path,
    data: Path | None,
    store: Path | None,
    embed: bool,
    snapshots: bool,
    device: str,
    console: Console,
    changes: Sequence[str] = (),
) -> int:
    """``earmark predict``, without a part."""
    _, done = prepared_for(runs_in(run)[0], data, store, console)
    made = guess_noisy(
        run,
        done.manifest,
        done.store,
        console,
        embed=embed,
        snapshots=snapshots,
        changes=changes,
        device=device_named(device),
    )
    console.say(f"{made.n_clips} noisy clips guessed, in '{made.predictions}'")
    if made.n_unheard:
        console.say(f"{made.n_unheard} noisy clips were learnt from by every run, or could not be heard; no guess")
    for place in made.embeddings:
        console.say(f"embeddings: '{place}'")
    return 0


def _predict_again(
    run: Path, again: Sequence[Asked], data: Path | None, store: Path | None, device: str, console: Console
) -> None:
    recipe, done = prepared_for(runs_in(run)[0], data, store, console)
    for asked in again:
        for table in predict_again(run, asked, recipe, done.manifest, done.store, console, device_named(device)):
            console.say(f"predicted: '{table}'")


def choose_candidates(
    run: Path, truth: Path, name: str, most: int | None, least_gain: float, mean: str, as_json: bool, console: Console
) -> int:
    """``earmark choose``."""
    candidates = candidates_in(run, name)
    pool: Any = mean
    choice = choose(candidates, truth, console, most=most, least_gain=least_gain, pool=pool)
    written = keep(choice, run, name, pool, {"mean": mean, "most": most, "least_gain": least_gain})
    if as_json:
        print(written[0].read_text(encoding="utf-8"), end="")
        return 0
    for line in _lines(choice):
        print(line)
    console.say("written: " + ", ".join(f"'{place}'" for place in written))
    return 0


def _lines(choice: Choice) -> list[str]:
    by_score = sorted(choice.scores, key=lambda each: -choice.scores[each])
    lines = ["each candidate by itself, on the clips that choose:"]
    lines += [f"  {choice.scores[each]:.4f}  {each}{'  *' * (each in choice.names)}" for each in by_score]
    lines += [f"chosen (*): {', '.join(choice.names)}", "each fold by what the others choose for it:"]
    found = [
        *rows(choice.chosen, "chosen", n_resamples=_RESAMPLES)[:1],
        *rows(choice.best, "best single one", n_resamples=_RESAMPLES)[:1],
        *rows(choice.everything, "mean of all", n_resamples=_RESAMPLES)[:1],
    ]
    lines += scores_as_text(found).splitlines()
    for what, other in (("the best single one", choice.best), ("the mean of all", choice.everything)):
        gain = compare(other, choice.chosen, "reference", _RESAMPLES)
        lines.append(f"chosen beside {what}: {gain.value:+.4f} (95 % interval {gain.low:+.4f} to {gain.high:+.4f})")
    return lines
