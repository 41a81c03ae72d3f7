"""The commands of ``earmark``: what each is called, what it takes, and who does it.

Commands import what they need when they run, so that help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from earmark.cli.options import (
    AsJson,
    BudgetOf,
    Changes,
    Data,
    DataAgain,
    Device,
    Devices,
    Quiet,
    RecipeName,
    Resamples,
    StoreAt,
    Truth,
    Use,
)

app = typer.Typer(
    name="earmark",
    help="Learn to tag sounds from a little trusted labelling and a lot of hearsay.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Learn to tag sounds from a little trusted labelling and a lot of hearsay."""
    if version:
        from importlib import metadata

        print(metadata.version("earmark"))
        raise typer.Exit


@app.command()
def pack(
    data: Data,
    recipe: RecipeName = "small",
    changes: Changes = None,
    store: StoreAt = None,
    workers: Annotated[Optional[int], typer.Option(help="Processes that decode; default: one a core.")] = None,  # noqa: UP045
    retry: Annotated[bool, typer.Option(help="Try quarantined files again.")] = False,
    quiet: Quiet = False,
) -> None:
    """Decode a data folder once into a packed store, from which training reads any crop without decoding."""
    from earmark.cli.console import Console
    from earmark.cli.work import pack_data

    raise typer.Exit(pack_data(data, recipe, changes or [], store, workers, retry, Console(quiet)))


@app.command()
def audit(
    data: Annotated[Path, typer.Argument(help="Folder of clips and labels, in any layout earmark knows.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page, the tables and what was measured.")],
    recipe: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Whose way of reading, packing and folding the data to take; default: small."),
    ] = None,
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder of a run: also compare the clips by what its network makes of them."),
    ] = None,
    changes: Changes = None,
    store: StoreAt = None,
    quiet: Quiet = False,
) -> None:
    """Know the data: labels, duplicates and leaks, levels, how the parts differ, a map; all on one page.

    -s audit.near_correlation=0.8 and the like set its own thresholds.
    """
    from earmark.cli.auditing import audit_data
    from earmark.cli.console import Console

    raise typer.Exit(audit_data(data, out, recipe, run, changes or [], store, Console(quiet)))


@app.command()
def train(
    recipe: RecipeName,
    data: Data,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run; default: runs/<recipe>.")] = None,
    fold: Annotated[
        str,
        typer.Option(help="A fold to hold out; 'each' or some (0,2) for one model a fold; 'none' to learn from all."),
    ] = "none",
    changes: Changes = None,
    store: StoreAt = None,
    quiet: Quiet = False,
) -> None:
    """Train a tagger; started again, the same command goes on where it was."""
    from earmark.cli.console import Console
    from earmark.cli.work import train_runs

    raise typer.Exit(train_runs(recipe, data, out, fold, changes or [], store, Console(quiet)))


@app.command(name="find-lr")
def find_lr(
    recipe: RecipeName,
    data: Data,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the plot and the table; default: neither is written.")
    ] = None,
    lowest: Annotated[float, typer.Option(help="Learning rate of the first step.")] = 1e-6,
    highest: Annotated[float, typer.Option(help="Learning rate of the last step.")] = 1.0,
    steps: Annotated[int, typer.Option(help="Steps of the sweep.")] = 100,
    fold: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=0, help="A fold to leave out, as a training would hold it out; default: none."),
    ] = None,
    changes: Changes = None,
    store: StoreAt = None,
    quiet: Quiet = False,
) -> None:
    """Find a learning rate: raise it step by step in a short training that is thrown away, and watch the loss."""
    from earmark.cli.console import Console
    from earmark.cli.rates import sweep_rates

    changed = changes or []
    raise typer.Exit(sweep_rates(recipe, data, out, lowest, highest, steps, fold, changed, store, Console(quiet)))


@app.command()
def clean(
    data: Annotated[Path, typer.Argument(help="A data folder, or the folder of a saved manifest.")],
    predictions: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option("--predictions", "-p", help="A table, or a folder that earmark predict went over. Often."),
    ] = None,
    embeddings: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option("--embeddings", "-e", help="A table of vectors, or the folder of a run with some. Often."),
    ] = None,
    rule: Annotated[str, typer.Option("--rule", "-r", help="Who judges; earmark show rule lists them.")] = "combined",
    changes: Changes = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for verdicts, manifest and report.")] = Path("clean"),
    vouch: Annotated[
        bool, typer.Option("--vouch", help="Believe that predictions are out of fold which do not say so.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Judge every noisy label: keep, drop, add, unknown or out of vocabulary; leaves a new manifest to train on."""
    from earmark.cli.cleaning import clean_labels
    from earmark.cli.console import Console

    changed = changes or []
    raise typer.Exit(clean_labels(data, predictions or [], embeddings or [], rule, changed, out, vouch, Console(quiet)))


@app.command()
def reproduce(
    name: Annotated[str, typer.Argument(help="A system; earmark show system lists them.")],
    data: Data,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for all its stages; default: runs/<system>.")
    ] = None,
    fold: Annotated[
        str,
        typer.Option(help="'each' or some (0,2) for one model a fold; a fold to hold out; 'none' to learn from all."),
    ] = "each",
    budget: BudgetOf = None,
    changes: Changes = None,
    store: StoreAt = None,
    device: Device = "auto",
    devices: Devices = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only list the stages.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run a system stage by stage; the same command goes on, and redoes only what a change concerns.

    -s temperature=1.5 changes a setting of the system, -s fine-tune.training.epochs=20 one of a stage.
    """
    from earmark.cli.console import Console
    from earmark.cli.reproducing import reproduce_system

    raise typer.Exit(
        reproduce_system(name, data, out, fold, budget, changes or [], store, device, devices, plan, Console(quiet))
    )


@app.command()
def tag(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or its tagger.safetensors.")],
    sounds: Annotated[list[Path], typer.Argument(help="Files, or folders of them, of any length.")],
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", "-o", help="Where to write: .csv, .jsonl or .parquet; default: a table on the terminal."),
    ] = None,
    top: Annotated[int, typer.Option(help="Tags for each clip at the most.", min=1)] = 5,
    threshold: Annotated[float, typer.Option(help="Probability below which a tag is left out.", min=0, max=1)] = 0.0,
    scores: Annotated[bool, typer.Option("--scores", help="Write the full table, clips x classes.")] = False,
    every: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Tag each stretch of this many seconds apart, for long recordings.", min=0.1),
    ] = None,
    changes: Use = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Tag files and folders; bad files are listed apart, and interrupted work goes on."""
    from earmark.cli.console import Console
    from earmark.cli.tagging import tag_sounds

    raise typer.Exit(tag_sounds(run, sounds, out, top, threshold, scores, every, device, Console(quiet), changes or []))


@app.command()
def score(
    predictions: Annotated[
        Path, typer.Argument(help="Scores of clips (.csv, .parquet, .npz), the folder of a run, or of a cleaning.")
    ],
    truth: Truth,
    against: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Other predictions of the same clips, to compare on the same resamples."),
    ] = None,
    ties: Annotated[str, typer.Option(help="reference, first, pessimistic (scikit-learn) or expected.")] = "reference",
    classes: Annotated[bool, typer.Option("--classes", help="Also a line for each class.")] = False,
    resamples: Resamples = 2000,
    json: AsJson = False,
) -> None:
    """lwlrap and mAP with intervals, and the paired difference of two predictions; of verdicts, how many are right."""
    from earmark.cli.scoring import score_predictions

    raise typer.Exit(score_predictions(predictions, truth, against, ties, classes, resamples, json))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    data: DataAgain = None,
    store: StoreAt = None,
    quiet: Quiet = False,
) -> None:
    """Write report.html in a run's folder: one page with scores, curves, classes, worst clips and settings."""
    from earmark.cli.console import Console
    from earmark.cli.work import report_run

    raise typer.Exit(report_run(run, data, store, Console(quiet)))


@app.command()
def show(
    what: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="A family (loss), a member (loss.bce), or a recipe; nothing lists them all."),
    ] = None,
    other: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="Another recipe, to show the difference; with an encoder, the recipe whose view it hears."),
    ] = None,
    changes: Changes = None,
    clip: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(help="With an augmentation: change this clip; further ones are mixed in. Needs --out."),
    ] = None,
    out: Annotated[Optional[Path], typer.Option(help="Where the sounds and the picture of that go.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(help="Names what the augmentation draws.")] = 1,
) -> None:
    """Explain kinds, settings and defaults; print a recipe with every default resolved, or the difference of two.

    With --clip and --out: let a clip be heard and seen before and after an augmentation (augment.pitch).
    """
    from earmark.cli.showing import hear, show_kind

    if clip or out:
        raise typer.Exit(hear(what, clip or [], out, seed, changes or []))
    raise typer.Exit(show_kind(what, other, changes or []))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the generated clips and the run.")] = Path("demo"),
    size: Annotated[
        float, typer.Option(help="How many clips; 1 is about 240 curated, 720 noisy and 200 test.", min=0)
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed makes other sounds.", min=0)] = 0,
    data_only: Annotated[bool, typer.Option("--data-only", help="Only generate the clips.")] = False,
    changes: Changes = None,
    quiet: Quiet = False,
) -> None:
    """The whole arc on generated sounds: training, cleaning, going on with what is left, scores, tags, reports."""
    from earmark.cli.console import Console
    from earmark.cli.demonstration import run_demo

    raise typer.Exit(run_demo(folder, size, seed, data_only, changes or [], Console(quiet)))
