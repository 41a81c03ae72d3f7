"""The commands of ``earmark`` that have finished runs predict; like the others they import when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from earmark.cli.commands import app
from earmark.cli.options import AsJson, DataAgain, Device, Quiet, Snapshots, StoreAt, Truth, Use


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a training, or of one with --fold each.")],
    data: DataAgain = None,
    part: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--part", help="noisy (default), held_out or test. Often."),
    ] = None,
    name: Annotated[str, typer.Option("--as", help="What held_out and test are called when predicted again.")] = "",
    changes: Use = None,
    store: StoreAt = None,
    embed: Annotated[bool, typer.Option("--embed", help="Also write vectors of noisy and curated clips.")] = False,
    snapshots: Snapshots = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Guess the labels of noisy clips with models that did not learn from them, for earmark clean.

    With --part held_out or test: predict these again in another way (-s inference.hearing=padded --as padded).
    """
    from earmark.cli.console import Console
    from earmark.cli.predicting import predict_parts

    parts, console = part or ["noisy"], Console(quiet)
    raise typer.Exit(predict_parts(run, parts, name, changes or [], data, store, embed, snapshots, device, console))


@app.command()
def choose(
    run: Annotated[Path, typer.Argument(help="Folder of a training with --fold each, predicted in several ways.")],
    truth: Truth,
    name: Annotated[str, typer.Option("--as", help="What the choice is called.")] = "chosen",
    most: Annotated[Optional[int], typer.Option(help="Candidates to choose at the most.", min=1)] = None,  # noqa: UP045
    least_gain: Annotated[float, typer.Option(help="The lwlrap that one more must gain.", min=0)] = 0.0,
    mean: Annotated[str, typer.Option(help="probability, geometric, or mean (of logits).")] = "probability",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose among snapshots and ways of hearing by held-out predictions; each fold is judged by the others' choice."""
    from earmark.cli.console import Console
    from earmark.cli.predicting import choose_candidates

    raise typer.Exit(choose_candidates(run, truth, name, most, least_gain, mean, json, Console(quiet)))
