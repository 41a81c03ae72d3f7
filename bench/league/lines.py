"""The lines of the league: every system that earmark reproduces, variants for its source's tables, and its own recipes.

On a core of a processor nets are narrower and crops shorter, so that an epoch of most lasts five to thirty seconds on
fsdmini; on a GPU they have their full size. Families that take longest come first.
"""

from __future__ import annotations

from bench.league.line import Line, Scale

_QUARTER = Scale(widths=0.25)
_SHORT = Scale(widths=0.25, seconds=0.5)
_EIGHTH = Scale(widths=0.125)
_SHORT_EIGHTH = Scale(widths=0.125, seconds=0.5)
# An epoch of its source is all windows of all clips, half a second apart.
_FEW_WINDOWS = Scale(0.25, 1.0, ("from-noisy.training.steps_per_epoch=50", "from-curated.training.steps_per_epoch=20"))
_COLUMN_S, _SAMPLE_S = 347 / 44_100, 1 / 44_100

_EX4SPERANS, _AKIYAMA = "ex4sperans", "akiyama_sato"


def _without(name: str, says: str, *changes: str, recipe: str = "ex4sperans_2d", listed: bool = False) -> Line:
    """The second command of ex4sperans, otherwise."""
    return Line(
        f"{_EX4SPERANS}-{name}",
        f"ex4sperans, {says}",
        recipe=recipe,
        changes=changes,
        like=_EX4SPERANS,
        scale=_SHORT,
        listed=listed,
    )


EX4SPERANS = (
    Line(_EX4SPERANS, "ex4sperans, eleven models", system=_EX4SPERANS, scale=_SHORT),
    _without("basic", "basic_2d_cnn", recipe="ex4sperans_basic", listed=True),
    # A mask that is never drawn stands in the place of the map.
    _without("no-map", "without the frequency map", "view.5={kind: frequency_mask, p: 0.0}"),
    _without("bce", "binary cross-entropy for the ranking loss", "objective.labels.term.loss=bce"),
    _without("plain", "without mixing and effects", "view.1.p=0", "view.2.p=0"),
    _without(
        "shares", "labels mixed by shares", "view.1={kind: mixup, p: 0.5, labels: linear, partner: {stream: partners}}"
    ),
    _without("shuffled", "with shuffled chunks", "view.0.p=0.5"),
    _without("silenced", "with parts replaced by silence", "view.0={kind: cut_out, p: 0.5}"),
    Line(
        f"{_EX4SPERANS}-cpc",
        "ex4sperans over time alone, begun with CPC",
        system="bench.league.cpc_first:CpcFirst",
        like=_EX4SPERANS,
        scale=_SHORT,
        listed=False,
    ),
)

_ONE_TASK = (
    "model.heads={main: {kind: pooled, hidden: [1024, 1024], dropout: [0.2, 0.1]}}",
    "streams={curated: {batch_size: 64, crop: {length_s: 4.03, short: keep}}}",
    "objective={labels: {streams: [curated]}}",
)
_ONE_CYCLE = ("training.schedule.period_epochs=512",)
_UNTOUCHED = ("view.2.p=0", "view.3.p=0", "view.4.p=0")

_CYCLES = {1: (1, 8), 2: (1, 7), 3: (1, 6), 4: (1, 3), 5: (1, 5), 6: (5, 10)}
"""Of each model the first and the last cycle whose snapshots its second table averages."""


def _of_table_2(models: tuple[int, ...]) -> tuple[str, ...]:
    """What makes the predictions of these models those of the second table."""
    found = [f"models={list(models)}"]
    for number in models:
        first, last = _CYCLES[number]
        pads, unit = ((8, 32), _COLUMN_S) if number <= 3 else ((8_000, 32_000), _SAMPLE_S)
        found.append(f"model{number}-heard.cycles={list(range(first, last + 1))}")
        found.append(f"model{number}-heard.hearing.pads_s={[round(pad * unit, 5) for pad in pads]}")
    return tuple(found)


def _akiyama(name: str, says: str, *changes: str, recipe: str = "", listed: bool = False) -> Line:
    """A variant of the system, or of its first net."""
    system = "" if recipe else _AKIYAMA
    called, said = f"{_AKIYAMA}-{name}", f"Akiyama and Sato, {says}"
    return Line(called, said, system, recipe, changes=changes, like=_AKIYAMA, scale=_SHORT_EIGHTH, listed=listed)


AKIYAMA_SATO = (
    Line(_AKIYAMA, "Akiyama and Sato, submission 1", system=_AKIYAMA, scale=_SHORT_EIGHTH),
    _akiyama("submission-2", "submission 2", "submission=2", listed=True),
    _akiyama("row-1", "one cycle, one task, no augmentation", *_ONE_TASK, *_ONE_CYCLE, *_UNTOUCHED, recipe=_AKIYAMA),
    _akiyama("row-2", "one cycle, one task", *_ONE_TASK, *_ONE_CYCLE, recipe=_AKIYAMA),
    _akiyama("row-3", "one task", *_ONE_TASK, recipe=_AKIYAMA),
    _akiyama("all-folds", "guesses of all folds", "models=[2]", "guesses=all_folds"),
    _akiyama("table-2", "all cycles", *_of_table_2((1, 2, 3, 4, 5, 6))),
    _akiyama("1-3", "models 1 and 3", *_of_table_2((1, 3))),
    _akiyama("1-2-3", "models 1 to 3", *_of_table_2((1, 2, 3))),
    _akiyama("4-5-6", "models 4 to 6", *_of_table_2((4, 5, 6))),
)

OTHERS = (
    Line("upb", "Paderborn University", system="upb", scale=Scale(0.25, 0.5, ("repeats=[3]",))),
    Line("argus", "argus", system="argus", scale=_SHORT),
    Line("rftexas", "rftexas", system="rftexas", scale=_QUARTER),
    Line("three_stages", "Deng, three stages", system="three_stages", scale=_EIGHTH),
    Line("schoneveld", "Schoneveld", system="schoneveld", scale=_QUARTER),
    Line(
        "schoneveld-no-skip",
        "Schoneveld, without skips",
        recipe="s0",
        changes=("model.encoder.skip=false",),
        like="schoneveld",
        scale=_QUARTER,
        listed=False,
    ),
    Line("challenge_baseline", "Challenge baseline", system="challenge_baseline", scale=_FEW_WINDOWS),
)

OWN = (
    Line("best", "**best**", system="best", recipe="best", own=True, longer=True),
    Line("small-distilled", "**small**, taught by best", recipe="small", teacher="best", own=True, longer=True),
    Line("small", "**small**", recipe="small", own=True, longer=True),
    Line(
        "small-alone", "**small** as shipped, once on all clips", recipe="small", fold="none", budgeted=False, own=True
    ),
    Line("best-alone", "**best** as shipped, once on all clips", system="best", fold="none", budgeted=False, own=True),
)

LINES: dict[str, Line] = {line.name: line for line in (*EX4SPERANS, *AKIYAMA_SATO, *OTHERS, *OWN)}
