"""The page of the league, from what stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.league.compare import Finding, findings
from bench.league.goals import goals
from bench.league.line import Line
from bench.league.outline import way_of
from bench.league.published import TABLES
from bench.league.published.table import Published
from bench.league.record import FAILED, record_of
from bench.league.running import lacking
from bench.league.standing import Entry, Standing
from earmark.metrics import Interval
from earmark.metrics.bootstrap import Difference
from earmark.reports.wording import DASH, number, span

_HEAD = [
    "learnt from", "out of fold", "test", "test, Public", "test, Private", "training s", "clips/s", "parameters"
]  # fmt: skip


def page(standing: Standing, tables: Sequence[Published] = TABLES) -> str:
    """The whole page, in Markdown.

    Args:
        tables: those of the sources that are rebuilt.
    """
    missing = [line for line in standing.lines if standing.last(line.name) is None]
    return "\n".join(
        [
            _introduction(standing),
            *_league(standing),
            *_models(standing),
            *_rebuilt(standing, tables),
            *_goals(standing),
            *_lines(standing),
            *_missing(missing, standing),
        ]
    )


def _introduction(standing: Standing) -> str:
    place = standing.place
    what = "the GPU" if place.gpu else "one core"
    folds = "each fold held out in turn" if place.fold == "each" else f"fold {place.fold} alone held out"
    speaks = "the mean of the models of all folds" if place.fold == "each" else "the model of that fold"
    return f"""\
# League

Every system that earmark reproduces, and its own recipes, on `{place.data.name}`, {folds}, each with the same time to
learn: **{place.budget_s:g} s of training on {what} for each model and fold**, what a model begins with or learns from
included. A system of six models has six times that, and its stages share it by the epochs that its source gave them;
nobody trains for more epochs than a source did. How long an epoch takes was measured once for every line. Written by
`make league`.

* Figures are lwlrap with 95 % bootstrap intervals over clips, which say nothing of other trainings; each line was run
  once.
* *Out of fold*: every curated clip by the model that held it out, all folds together. Whatever was chosen was chosen by
  these.
* *Test*: {speaks}. The test part is reported and chooses nothing.
* *Training* is the seconds of all epochs of all folds, on {what}, of everything that was trained for a row. *Clips/s*
  is tagging with the models of one fold on {what}, *parameters* all their weights; of a mean, those of all its members.
{_machine(standing)}"""


def _machine(standing: Standing) -> str:
    records = [record_of(line, standing.place) for line in standing.lines]
    machines = [record["machine"] for record in records if record]
    if not machines:
        return "* Nothing was run yet.\n"
    first, last = min(m["date"] for m in machines), max(m["date"] for m in machines)
    names = sorted({f"{m.get('gpu') or m['processor']}, torch {m['torch']}" for m in machines})
    return f"* Run from {first} to {last} on {' and '.join(names)}.\n"


def _league(standing: Standing) -> list[str]:
    ends = [entry for line in standing.lines if line.listed and (entry := standing.last(line.name))]
    return ["## Lines\n", "What each line ends with, the best out of fold first.\n", _scores(ends, by_score=True)]


def _models(standing: Standing) -> list[str]:
    seen, found = set(), []
    for entry in standing.entries.values():
        if entry.line.listed and entry.kind != "predict" and entry.folder.path.resolve() not in seen:
            seen.add(entry.folder.path.resolve())
            found.append(entry)
    return [
        "## Every model and mean\n",
        "In the order in which each line makes them.\n",
        _scores(found, by_score=False),
    ]


def _scores(entries: Sequence[Entry], *, by_score: bool) -> str:
    if by_score:
        entries = sorted(entries, key=lambda entry: -_value(entry.score("held_out")))
    head = ["line", *([] if by_score else ["stage"]), *_HEAD]
    return _table(head, [[e.line.says, *([] if by_score else [e.stage]), *_cells(e)] for e in entries])


def _value(score: Interval | None) -> float:
    return -1.0 if score is None else score.value


def _cells(entry: Entry) -> list[str]:
    scores = [entry.score(part) for part in ("held_out", "test", "Public", "Private")]
    speed, size = entry.clips_per_s, entry.n_parameters
    return [
        " + ".join(entry.origins),
        *map(_interval, scores),
        f"{entry.training_s:,.0f}",
        DASH if speed is None else number(speed, 0 if speed >= 10 else 1),
        DASH if size is None else f"{size:,}",
    ]


def _rebuilt(standing: Standing, tables: Sequence[Published]) -> list[str]:
    parts = [
        "## Tables of the sources, rebuilt\n",
        "Published figures are of other recordings, 80 classes and models of full size, so it is directions that are "
        "compared: a direction *holds* where our paired difference out of fold has the published sign and its interval "
        "excludes zero.\n",
    ]
    for table in tables:
        parts += _rebuilt_table(table, findings(table, standing))
    return parts


def _rebuilt_table(table: Published, found: Sequence[Finding]) -> list[str]:
    head = ["", "published", "gain", "ours, out of fold", "ours, test", "gain, paired", "direction"]
    rows = [[each.told.what, *_published(table, each), *_ours(each), each.word] for each in found]
    told = {word: sum(each.verdict == word for each in found) for word in ("holds", "open", "fails", "missing")}
    n = sum(told.values())
    summary = (
        f"Of {n} directions {told['holds']} hold, {told['fails']} do not, {told['open']} are not settled and "
        f"{told['missing']} not measured.\n"
    )
    return [f"### {table.source}. {table.title}\n", f"{table.measured}\n", _table(head, rows), summary]


def _published(table: Published, found: Finding) -> list[str]:
    score, gain = found.told.score, table.gain(found.told)
    test = table.test.get(found.told.ours)
    said = DASH if score is None else f"{score:.3f}" + ("" if test is None else f" (put aside {test:.3f})")
    return [said, found.told.words or (DASH if gain is None else f"{gain:+.3f}")]


def _ours(found: Finding) -> list[str]:
    return [_interval(found.score), _interval(found.test), _gain(found.gain)]


def _goals(standing: Standing) -> list[str]:
    rows = [[goal.wanted, goal.found, f"**{goal.word}**"] for goal in goals(standing)]
    return ["## Goals\n", _table(["wanted", "found", ""], rows)]


def _lines(standing: Standing) -> list[str]:
    """What each line was given and how large it was."""
    rows = []
    for line in standing.lines:
        record, last = record_of(line, standing.place), standing.last(line.name)
        if record and last:
            rows.append([line.says, f"`{line.name}`", *_given(line, record, last, standing), f"{last.training_s:,.0f}"])
    if not rows:
        return []
    note = (
        "Models are those that speak in the end. Variants for the rebuilt tables train for the share of epochs of the "
        "line that they vary. Training takes at least an epoch of each stage, whatever the budget. Commands are in "
        "`lines/NAME.json` beside the runs.\n"
    )
    head = ["line", "`--only`", "models", "of its epochs", "size", "budget, s", "training, s"]
    return ["## What was run\n", note, _table(head, rows)]


def _given(line: Line, record: dict[str, Any], last: Entry, standing: Standing) -> list[str]:
    n, share, place = record["n_models"], record["share"], standing.place
    budget = f"{n * place.budget_s * last.n_folds:,.0f}" if line.budgeted and not line.like else DASH
    size = place.scale(line).says() + (f"; `{'`, `'.join(line.changes)}`" if line.changes else "")
    return [str(n), "all" if share is None else f"{100 * share:.3g} %", size, budget]


def _missing(missing: Sequence[Line], standing: Standing) -> list[str]:
    if not missing:
        return ["## Missing\n", "Nothing.\n"]
    rows = [f"* `{line.name}`: {_why(line, standing)}" for line in missing]
    return ["## Missing\n", "`make league` goes on with what can be run.\n", *rows, ""]


def _why(line: Line, standing: Standing) -> str:
    record = record_of(line, standing.place)
    if record.get("state") == FAILED:
        return str(record["sentence"])
    teacher = next((each for each in standing.lines if each.name == line.teacher), None)
    absent = way_of(line) is None or (teacher is not None and standing.last(teacher.name) is None)
    return lacking(line) if absent else "not run yet"


def _interval(score: Interval | None) -> str:
    return DASH if score is None else f"{number(score.value)} ({span(score.low, score.high)})"


def _gain(found: Difference | None) -> str:
    return DASH if found is None else f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))
