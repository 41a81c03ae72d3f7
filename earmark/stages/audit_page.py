"""What an audit found, as a page: sections in the order in which somebody would ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from earmark.audit.adversary import ALL, Verdict
from earmark.audit.duplicates import WHERE
from earmark.audit.findings import Finding, Found
from earmark.audit.measures import MEASURES, said
from earmark.audit.settings import AuditSettings
from earmark.audit.survey import Survey
from earmark.core.manifest import Manifest
from earmark.reports.clip_figures import Excerpt, excerpt
from earmark.reports.page import Block, Grid, Page, Picture, Prose, Section, Sounds
from earmark.reports.set_figures import AreaRow, Panel, areas, average_spectra, clip_map, distributions
from earmark.reports.wording import plural
from earmark.stages.audit_labels import class_blocks, set_blocks, together_blocks

_MOST_ROWS = 40
_SOUND_PAIRS, _SOUND_S = 6, 2.0
_SHOWN = ("seconds", "rms_db", "peak_db", "quiet_db", "silence", "clipped", "centroid_hz", "band_limit_hz", "cliff_db")


def audit_page(
    manifest: Manifest,
    seen: Survey,
    found: Found,
    told: Sequence[Finding],
    single: Sequence[str | None],
    settings: AuditSettings,
) -> Page:
    """The page.

    Args:
        told: the findings, in order.
        single: of each clip its label, None where it has none or several.
    """
    sections = (
        Section("sets", "Clips and labels", list(set_blocks(found))),
        Section("classes", "Classes", list(class_blocks(found, settings))),
        Section("together", "Labels that come together", list(together_blocks(found, manifest.classes))),
        Section("duplicates", "Duplicates", list(_duplicates(seen, found, settings))),
        Section("levels", "Levels and lengths", list(_levels(seen, found))),
        Section("apart", "Telling the parts apart", list(_apart(found.verdicts))),
        Section("map", "Map", list(_map(seen, found, single))),
        Section("suspects", "Suspect clips", list(_suspects(found, settings))),
        Section("settings", "Settings", [Grid(("setting", "value"), [(k, str(v)) for k, v in settings])]),
    )
    seconds = float(seen.table["seconds"].sum())
    return Page(
        title=f"earmark audit: {manifest.root.resolve().name}",
        subtitle=f"{plural(len(seen), 'clip')}, {seconds / 3600:.2f} h, "
        f"{plural(len(manifest.classes), 'class', 'classes')}, heard at {seen.clips.store.rate_hz} Hz",
        notes=[(finding.gravity, f"{finding.text}.") for finding in told],
        sections=sections,
    )


def _levels(seen: Survey, found: Found) -> Iterator[Block]:
    deltas = {(row["measure"], row["a"], row["b"]): row["delta"] for row in found.contrasts.to_dicts()}
    sets = list(seen.sets)
    panels = []
    for name in _SHOWN:
        measure = MEASURES[name]
        values = {kind: seen.table[name].to_numpy()[rows] for kind, rows in seen.sets.items()}
        delta = deltas.get((name, sets[0], sets[1])) if len(sets) > 1 else None
        note = "" if delta is None else f"effect {delta:+.2f}"
        title = measure.words[0].upper() + measure.words[1:]
        panels.append(Panel(title, measure.unit, values, note, is_log=name == "seconds"))
    words = f" The effect is that of {sets[1]} over {sets[0]} (Cliff's delta, −1 to 1)." if len(sets) > 1 else ""
    yield Picture(distributions(panels), "Distributions of measures by set", f"Distributions by set.{words}")
    levels = seen.coloured_db()
    heard = seen.table["peak_db"].to_numpy() > -100
    spectra = {kind: levels[rows[heard[rows]]] for kind, rows in seen.sets.items() if heard[rows].any()}
    if spectra:
        words = "Median over clips and the middle half of them; a clip's own level is taken off."
        yield Picture(average_spectra(seen.centres_hz, spectra), "Average spectra by set", words)
    rows = [
        (
            MEASURES[row["measure"]].words,
            f"{row['a']}, {row['b']}",
            *(
                f"{said(row['measure'], row[f'median_{at}'])} ({_bare(row, 'low', at)} to {_bare(row, 'high', at)})"
                for at in "ab"
            ),
            row["delta"],
        )
        for row in found.contrasts.sort(-pl.col("delta").abs()).to_dicts()
    ]
    if rows:
        columns = ("measure", "sets", "first: median (quartiles)", "second: median (quartiles)", "effect")
        yield Grid(columns, rows, folded="All measures, the largest differences first", digits=2)


def _bare(row: dict[str, object], end: str, at: str) -> str:
    value = row[f"{end}_{at}"]
    assert isinstance(value, float)
    return f"{value:.{MEASURES[str(row['measure'])].digits}f}"


def _duplicates(seen: Survey, found: Found, settings: AuditSettings) -> Iterator[Block]:
    pairs = found.duplicates.pairs
    if not pairs.height:
        yield Prose("No two clips sound the same.", muted=True)
        return
    counts = [
        (where, kind, found.duplicates.of(where, kind).height)
        for where in WHERE
        for kind in ("exact", "near")
        if found.duplicates.of(where, kind).height
    ]
    yield Grid(("where", "kind", "pairs"), counts)
    yield Prose(
        f"Exact: equal samples. Near: waves that correlate by {settings.near_correlation:g} or more at their best "
        f"shift ({found.duplicates.n_compared} pairs of similar spectrum were compared); the square is the share of "
        "the energy that is the same sound, so a recording that another was mixed into counts too.",
        muted=True,
    )
    rows = [
        (
            row["where"],
            row["kind"],
            row["correlation"],
            *(f"{row[at]} ({_place(row[f'set_{at}'], row[f'fold_{at}'])})" for at in "ab"),
            *(row[f"labels_{at}"].replace(",", ", ") for at in "ab"),
        )
        for row in pairs.head(_MOST_ROWS).to_dicts()
    ]
    names = ("where", "kind", "correlation", "one clip", "the other", "its labels", "the other's")
    yield Grid(names, rows, caption="The worst first", digits=2, n_more=max(0, pairs.height - _MOST_ROWS))
    row_of = {name: row for row, name in enumerate(seen.ids)}
    heard = [[_heard(seen, row_of[name]) for name in pair] for pair in pairs.select("a", "b").head(_SOUND_PAIRS).rows()]
    yield Sounds([[each for each in row if each is not None] for row in heard])


def _place(name: str, fold: int | None) -> str:
    return name if fold is None else f"{name}, fold {fold}"


def _heard(seen: Survey, row: int) -> tuple[str, Excerpt] | None:
    clips = seen.clips
    n = min(int(clips.n_samples[row]), 30 * clips.store.rate_hz)
    sound = excerpt(clips.store.read(clips.files[row], int(clips.starts[row]), n), clips.store.rate_hz, most_s=_SOUND_S)
    return None if sound is None else (f"{clips.ids[row]} ({seen.table['set'][row]})", sound)


def _apart(verdicts: Sequence[Verdict]) -> Iterator[Block]:
    if not verdicts:
        yield Prose("There are not two sets with enough clips to compare.", muted=True)
        return
    yield Prose(
        "Boosted trees that hear only statistics of a clip guess which set it is from, each clip by trees that learnt "
        "from others. 0.5 is guessing: the sets sound alike. 1 is certainty. Sets that hold other classes, or in other "
        "shares, can be told apart by these too."
    )
    charts = {
        f"{verdict.a} or {verdict.b}": [
            AreaRow("everything" if name == ALL else name, *area) for name, area in verdict.auc.items()
        ]
        for verdict in verdicts
    }
    for first in range(0, len(charts), 3):
        some = dict(list(charts.items())[first : first + 3])
        words = "Area under the ROC curve for all features and for each group alone, with 95 % intervals."
        yield Picture(areas(some), "How well sets can be told apart", words)
    for verdict in verdicts:
        rows = [(each.feature, each.delta) for each in verdict.telling]
        words = f"{verdict.a} or {verdict.b}: the most telling features alone"
        yield Grid(("feature", f"effect of {verdict.b} over {verdict.a}"), rows, folded=words, digits=2)
        odd = [
            (f"{one} clips that sound most like {other} ones", row)
            for one, other, last in ((verdict.a, verdict.b, True), (verdict.b, verdict.a, False))
            for row in _oddest(verdict, one, last)
        ]
        rows_odd = [(words, *row) for words, row in odd]
        yield Grid(
            ("", "clip", f"p({verdict.b})"), rows_odd, folded=f"{verdict.a} or {verdict.b}: clips on the wrong side"
        )


def _oddest(verdict: Verdict, name: str, last: bool) -> list[tuple[str, float]]:
    ours = verdict.scores.filter(pl.col("set") == name).select("id", "score")
    return (ours.reverse() if last else ours).head(8).rows()


def _map(seen: Survey, found: Found, single: Sequence[str | None]) -> Iterator[Block]:
    atlas = found.atlas
    if atlas.places is None:
        yield Prose("There are too few clips for a map.", muted=True)
        return
    sets = seen.table["set"].gather(atlas.rows).to_list()
    figure = clip_map(atlas.places, sets, [single[row] for row in atlas.rows])
    words = (
        f"{plural(len(atlas.rows), 'clip')} by t-SNE of {atlas.made_of}: neighbours sound alike. "
        "Clips with no label or several are grey."
    )
    yield Picture(figure, "Map of the clips", words)
    rows = [
        (each.learnt, each.judged, each.n_clips, each.accuracy, each.on_map, each.commonest)
        for each in atlas.agreements
    ]
    if rows:
        columns = ("neighbours from", "clips", "number", "right", "right on the map", "commonest class")
        caption = (
            "How often five nearest neighbours name the class of a clip with one label; within a set a fifth at a time."
        )
        yield Grid(columns, rows, caption=caption)


def _suspects(found: Found, settings: AuditSettings) -> Iterator[Block]:
    if not found.suspects.height:
        yield Prose("No clip is silent, clipped or shifted.", muted=True)
    for (fault,), table in found.suspects.group_by("fault", maintain_order=True):
        columns = ("id", "set", "value")
        rows = table.select(columns).head(_MOST_ROWS).rows()
        yield Grid(
            columns, rows, folded=f"{fault}: {plural(table.height, 'clip')}", n_more=max(0, table.height - _MOST_ROWS)
        )
    if found.quarantine.height:
        rows = found.quarantine.head(_MOST_ROWS).rows()
        more = max(0, found.quarantine.height - _MOST_ROWS)
        yield Grid(("file", "reason", "detail"), rows, caption="Files that cannot be used", n_more=more)
