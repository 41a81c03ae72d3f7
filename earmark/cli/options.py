"""The options that several commands share, each with one name, one meaning and one sentence of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

Data = Annotated[Path, typer.Option("--data", "-d", help="Folder of clips and labels, in any layout earmark knows.")]
Changes = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads the annotation
    typer.Option("--set", "-s", help="Change a setting of the recipe: path=value. May be given often."),
]
Use = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--set", "-s", help="Use the tagger otherwise: inference.path=value. May be given often."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
StoreAt = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--store", help="Where the decoded audio lies; default: stores/<name of the data folder>-..."),
]
Devices = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Devices that each training uses, with as many batches at once; default: as recipes say.", min=1),
]
RecipeName = Annotated[str, typer.Argument(help="A recipe: a YAML file, or the name of one that comes along.")]
DataAgain = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--data", "-d", help="The data folder of the run, or runs; default: where it was."),
]
Truth = Annotated[Path, typer.Option("--truth", "-t", help="The right labels: a csv, or a data folder.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")]
BudgetOf = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--budget", help="Share of epochs, widths, seconds: 0.1, or epochs=0.05,widths=0.25,seconds=0.5."),
]
Blended = Annotated[str, typer.Option("--how", help="How to blend; earmark show blend lists the ways.")]
Snapshots = Annotated[bool, typer.Option("--snapshots", help="Let the snapshots of each run speak.")]
Resamples = Annotated[int, typer.Option(help="Bootstrap resamples.", min=100)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
