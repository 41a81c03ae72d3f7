"""The commands of ``earmark`` that make one model of several; like the others they import when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from earmark.cli.commands import app
from earmark.cli.options import (
    Blended,
    BudgetOf,
    Changes,
    DataAgain,
    Device,
    Devices,
    Quiet,
    Resamples,
    Snapshots,
    StoreAt,
)


@app.command()
def blend(
    members: Annotated[
        list[str], typer.Argument(help="Tables of scores, or folders of runs: path, or name=path. Often.")
    ],
    how: Blended = "arithmetic",
    truth: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--truth", "-t", "--data", "-d", help="The right labels: a csv, or a data folder."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for scores, weights and the picture.")] = Path(
        "blend"
    ),
    test: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--test", help="Tables of the clips to score, named like the members. Often."),
    ] = None,
    link: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Bring all scores onto one link first: probability, logit, rank."),
    ] = None,
    given: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What scores are in files that do not say: probability, logit, softmax_logit, rank."),
    ] = None,
    snapshots: Snapshots = False,
    way: Annotated[str, typer.Option("--as", help="Let runs speak as they heard under that name in predict.")] = "",
    vouch: Annotated[
        bool, typer.Option("--vouch", help="Believe that scores without folds are out of the truth's folds.")
    ] = False,
    resamples: Resamples = 2000,
    changes: Changes = None,
    quiet: Quiet = False,
) -> None:
    """One table of scores from those of several models; weights are learnt on held-out clips alone.

    -s scale=rank and the like change a setting of the blend, -s within=arithmetic how folds and snapshots are averaged.
    """
    from earmark.cli.blending import blend_predictions
    from earmark.cli.console import Console

    console = Console(quiet)
    raise typer.Exit(
        blend_predictions(
            members, test or [], how, changes or [], truth, out, link, given, snapshots, way, vouch, resamples, console
        )
    )


@app.command()
def soup(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or taggers, of one recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tagger that comes of it.")],
    how: Annotated[str, typer.Option("--how", help="uniform, or greedy: what helps on the held-out fold.")] = "uniform",
    snapshots: Annotated[bool, typer.Option("--snapshots", help="Take the snapshots of each run.")] = False,
    data: DataAgain = None,
    store: StoreAt = None,
    refresh: Annotated[
        int, typer.Option(help="Training clips to take batch statistics anew from; 0 averages them.", min=0)
    ] = 500,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Average the weights of several taggers, or of the snapshots of one run, into one tagger."""
    from earmark.cli.blending import soup_taggers
    from earmark.cli.console import Console

    raise typer.Exit(soup_taggers(runs, out, how, snapshots, data, store, refresh, device, Console(quiet)))


@app.command()
def submit(
    predictions: Annotated[Path, typer.Argument(help="A table of scores, or the folder of a run or a blend.")],
    sample: Annotated[Path, typer.Option("--sample", help="The challenge's sample submission.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("submission.csv"),
    link: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Bring the scores onto this link: probability, logit, rank; default: as they are."),
    ] = None,
) -> None:
    """Write scores as a challenge wants them: the columns and rows of its sample, in its order."""
    from earmark.cli.blending import submit_predictions

    raise typer.Exit(submit_predictions(predictions, sample, out, link))


@app.command()
def distil(
    members: Annotated[list[str], typer.Argument(help="Folders of finished trainings: path, or name=path. Often.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what the teachers think, and for the student.")],
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="The student's: a YAML file, or a shipped one.")
    ] = "small",
    how: Blended = "arithmetic",
    data: DataAgain = None,
    fold: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What the student holds out: each, a fold, or none; default: as its teachers."),
    ] = None,
    budget: BudgetOf = None,
    changes: Changes = None,
    store: StoreAt = None,
    device: Device = "auto",
    devices: Devices = None,
    quiet: Quiet = False,
) -> None:
    """Train a small net on what several trained ones think of all training clips; the same command goes on.

    A student that is judged by a fold learns from those that held out the same one. -s weight=2 changes what it learns
    (earmark show DistilSettings), -s training.epochs=40 its recipe, -s blend.scale=rank how its teachers are blended.
    """
    from earmark.cli.console import Console
    from earmark.cli.distilling import distil_student

    console = Console(quiet)
    raise typer.Exit(
        distil_student(members, recipe, how, data, out, fold, budget, changes or [], store, device, devices, console)
    )
