"""Blending, from tables of scores to those of an ensemble, with what was learnt and how much it is worth.

The folder that comes of it is laid out like a run's: ``predictions/held_out.parquet`` holds scores of held-out clips
that were made without the labels of their fold, ``predictions/test.parquet`` those of the test part, so that it can be
scored, submitted, and blended again like a run. Beside them lie ``blend.json`` (weights and settings), ``scores.json``,
``summary.txt``, ``correlation.csv`` and ``correlation.png``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import field_validator

from earmark.core.errors import DataError
from earmark.core.files import write_atomically, write_text_atomically
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest, Targets
from earmark.core.predictions import Link, Predictions
from earmark.core.settings import Settings, read
from earmark.core.yaml_text import override, parted
from earmark.data.tables import write_predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend, Blended
from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.correlation import correlations
from earmark.ensemble.members import Members
from earmark.ensemble.nesting import nested
from earmark.reports.correlation import correlation_map
from earmark.runs.folder import RunFolder
from earmark.stages.blend_members import PARTS, Found, load, with_folds
from earmark.stages.blend_scores import Scored, league, standings
from earmark.stages.score import Judged, is_labelled, judge, quarantined
from earmark.stages.show import Show

_CALLED = {"held_out": "held out", "test": "test", "noisy": "noisy"}


class BlendSettings(Settings):
    """How several models become one."""

    blend: Blend = Arithmetic()
    """How members are blended."""
    within: Blend = Geometric()
    """How the tables of one member are averaged where several speak of the same clips: snapshots, seeds, and the models
    of all folds on the test part. It must be one that learns nothing."""
    link: Link | None = None
    """The link that every table is brought onto first; null leaves them as they are, and they must be alike."""

    @field_validator("within")
    @classmethod
    def _learns_nothing(cls, within: Blend) -> Blend:
        if within.is_fitted:
            raise ValueError(f"the tables of one member are averaged without learning, but '{within.kind}' learns")
        return within


@dataclass(frozen=True, eq=False)
class Material:
    """The members' scores by part, and what they were read from."""

    parts: Mapping[str, Members]
    provenance: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Of each member's table of each part."""
    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    """Parts that some members know and others do not, in sentences."""


def read_settings(kind: str, changes: Sequence[str] = ()) -> BlendSettings:
    """Settings with a blend of this kind; changes are of the blend unless they name something else of blending.

    Raises:
        SettingsError: everything that is wrong with them.
    """
    own, of_blend = parted(changes, BlendSettings.model_fields)
    paths = [*own, *(f"blend.{change}" for change in of_blend)]
    within = Geometric().model_dump(mode="json")
    what = f"blend '{kind}'" + (" with its changes" if changes else "")
    return read(BlendSettings, override({"blend": {"kind": kind}, "within": within}, paths), what=what)


def gather(
    settings: BlendSettings,
    found: Mapping[str, Found],
    *,
    given: Link | None = None,
    truth: Manifest | None = None,
    vouched: bool = False,
) -> Material:
    """Read the members' tables and put them side by side.

    Plain files are scores of held-out clips where they name folds, or are vouched for, and of the test part where not.

    Args:
        found: the members' tables, by name.
        given: what scores are in files that do not say.
        truth: gives folds to tables that are vouched for.
        vouched: whether tables without folds are believed to be out of the folds that the truth names.

    Raises:
        DataError: tables that do not fit together.
    """
    parts: dict[str, dict[str, Predictions]] = {}
    for name, member in found.items():
        for part, places in member.tables.items():
            table = load(name, places, settings.within, given=given, link=settings.link)
            held_out = part == "held_out" or (not part and (vouched or "test" in member.tables))
            if held_out and vouched:
                table = with_folds(table, truth, name)
            called = part or ("held_out" if held_out or table.folds is not None else "test")
            parts.setdefault(called, {})[name] = table
    whole = {part: parts[part] for part in PARTS if len(parts.get(part, ())) == len(found)}
    lines = []
    for part in (part for part in PARTS if part in parts and part not in whole):
        lacking = min(set(found) - set(parts[part]))
        lines.append(f"part '{_CALLED[part]}' is left out, for member '{lacking}' has no scores of it")
    if not whole:
        raise DataError(f"the members have no part of the data in common: {'; '.join(lines)}")
    return Material(
        {part: Members.of(tables) for part, tables in whole.items()},
        {part: {name: table.provenance for name, table in tables.items()} for part, tables in whole.items()},
        tuple(place for name in sorted(found) for place in found[name].files),
        tuple(lines),
    )


def blend(
    settings: BlendSettings,
    material: Material,
    truth: Manifest | None,
    out: Path,
    show: Show,
    *,
    n_resamples: int = 2000,
) -> None:
    """Fit the blend to the held-out scores, score every part with it, and say what it is worth.

    Args:
        truth: the right labels, as far as somebody has them.
        out: a folder of its own; it belongs to these settings and these tables.

    Raises:
        RunError: the folder belongs to something else.
        SettingsError, DataError: the blend lacks what it needs, or labels and scores do not fit together.
    """
    held_out = material.parts.get("held_out")
    if settings.blend.is_fitted and held_out is None:
        raise DataError(
            f"blend '{settings.blend.kind}' learns on held-out clips alone, but not every member has scores of some; "
            "give the folders of trainings of each fold, or tables with a column 'fold'"
        )
    _must_know(truth, material)
    judged = {part: _judged(members, truth, material.files) for part, members in material.parts.items()}
    targets = _targets(judged.get("held_out"))
    name = fingerprint(settings, [_content(path) for path in material.files], _labels(judged))
    folder = RunFolder(out)
    held = folder.facts()
    if held.get("fingerprint") == name and held.get("finished"):
        show.say(f"'{out}' is blended already")
        return
    for line in material.left_out:
        show.say(line)
    learnt_on = next(iter(material.parts.values())) if held_out is None else held_out
    fitted = settings.blend.fit(learnt_on, targets, track=show.track)  # refuses before anything is written
    honest = None if held_out is None else nested(settings.blend, held_out, targets, track=show.track)
    made = {part: fitted(members) for part, members in material.parts.items()}
    if honest is not None:
        made["held_out"] = honest.predictions
    found = [
        Scored(_CALLED[part], judged_part, material.parts[part], made[part], settings.blend)
        for part, judged_part in judged.items()
        if judged_part is not None
    ]
    with folder.alone():
        folder.claim(name, settings.model_dump(mode="json"), {"blend": settings.blend.kind})
        for part, predictions in made.items():
            provenance = _provenance(settings, material, part, fitted)
            write_predictions(replace(predictions, provenance=provenance), folder.predictions(part))
        _write_alikeness(learnt_on, fitted, folder)
        tables = {name: said["files"] for said_by in material.provenance.values() for name, said in said_by.items()}
        by_fold = {} if honest is None else honest.fits
        folder.write_json("blend.json", {**_said(settings), **fitted.facts, "by_fold": by_fold, "tables": tables})
        lines = _write_scores(found, fitted, folder, n_resamples)
        write_text_atomically(summary(out), "\n".join(lines) + "\n")
        folder.note({"finished": True})


def summary(out: Path) -> Path:
    """What a blend is worth, as text."""
    return out / "summary.txt"


def _must_know(truth: Manifest | None, material: Material) -> None:
    """Refuse a truth that is about other clips; one that knows these, and no label of them, judges nothing."""
    clips = {name for members in material.parts.values() for name in members.ids}
    if truth is not None and len(truth) and clips.isdisjoint(truth.ids):
        raise DataError(
            f"the members speak of {len(clips)} clips, for example '{min(clips)}', and the labels in '{truth.root}' of "
            f"none of them, but for example of '{min(truth.ids)}'; name the labels of these clips (--truth)"
        )


def _judged(members: Members, truth: Manifest | None, files: Sequence[Path]) -> Judged | None:
    """The members' clips beside their labels; none where nobody labelled them."""
    first = members.table(members.names[0])
    if truth is None or not is_labelled(first, truth):
        return None
    excused = set().union(*(quarantined(path, truth) for path in files)) if files else set()
    return judge(first, truth, excused)


def _targets(judged: Judged | None) -> Targets | None:
    return None if judged is None else Targets(judged.truth, judged.known)


def _provenance(settings: BlendSettings, material: Material, part: str, fitted: Blended) -> dict[str, Any]:
    """Where the ensemble's scores come from."""
    said = material.provenance[part]
    facts: dict[str, Any] = {**_said(settings), "members": {name: dict(each) for name, each in said.items()}}
    if "weights" in fitted.facts:
        facts["weights"] = fitted.facts["weights"]
    if part == "held_out":
        facts["nested"] = settings.blend.is_fitted
    if material.parts[part].folds is not None or all(each.get("out_of_fold") is True for each in said.values()):
        facts["out_of_fold"] = True
    folds = {each.get("fold") for each in said.values()}
    if len(folds) == 1 and None not in folds:
        facts["fold"] = folds.pop()
    return facts


def _said(settings: BlendSettings) -> dict[str, Any]:
    return {"blend": settings.blend.model_dump(mode="json"), "within": settings.within.model_dump(mode="json")}


def _write_alikeness(members: Members, fitted: Blended, folder: RunFolder) -> None:
    """How alike the members are, as a table and as a picture."""
    matrix = correlations(members, "rank" if members.link == "rank" else "logit")
    table = pl.DataFrame({"member": list(members.names)} | dict(zip(members.names, matrix, strict=True)))
    write_atomically(folder.path / "correlation.csv", table.write_csv)
    figure = correlation_map(members.names, matrix, left_out=tuple(fitted.stay.dropped))
    write_atomically(folder.path / "correlation.png", partial(figure.savefig, format="png"))


def _write_scores(found: Sequence[Scored], fitted: Blended, folder: RunFolder, n_resamples: int) -> list[str]:
    """What members and blend are worth, as data, and as lines for a person."""
    lines = [
        f"member '{name}' is left out: its scores correlate by {value:.3f} with those of '{other}'"
        for name, (other, value) in fitted.stay.dropped.items()
    ]
    data = []
    for scored in found:
        rows, gains = standings(scored, n_resamples=n_resamples)
        data.append({"part": scored.part, "rows": [row.data for row in rows], "gains": [gain.data for gain in gains]})
        lines += league(scored.part, rows, gains, fitted.facts.get("weights", {}))
    folder.write_json("scores.json", data)
    return lines or ["nothing was scored: no clip of any part is labelled (--truth)"]


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _labels(judged: Mapping[str, Judged | None]) -> dict[str, str | None]:
    """What tells these labels from others."""
    return {
        part: None if each is None else hashlib.sha256(each.truth.tobytes() + each.known.tobytes()).hexdigest()
        for part, each in judged.items()
    }
