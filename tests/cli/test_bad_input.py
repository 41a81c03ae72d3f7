"""Whatever comes in, what goes out is one sentence that says what was wanted, what came and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from earmark.runs import checkpoints


def refused(said, code: int, *words: str) -> None:
    """The command failed with this code and these words, and without a traceback."""
    assert said.code == code, said
    assert said.err.splitlines()[-1].startswith(("earmark: ", "  - ")) and "Traceback" not in said.err
    for word in words:
        assert word in said.err, said.err


def test_a_missing_data_folder(earmark, tmp_path: Path) -> None:
    refused(earmark("train", "demo", "--data", tmp_path / "nothing"), 3, "nothing")


def test_three_misspelt_keys_are_named_at_once(earmark, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("trainig: {epochs: 3}\nstreams: {curated: {bach_size: 4}}\nmodel: {encoder: {kind: skip_cn}}\n")
    said = earmark("train", recipe, "--data", tmp_path)
    refused(said, 2, "3 faults", "'training'", "'batch_size'", "'skip_cnn'")


@pytest.mark.parametrize(
    ("text", "word"),
    [("a: [1", "not YAML"), ("seed: 1\nseed: 2", "given twice"), ("- 1", "must be a mapping"), ("seed: x", "seed")],
)
def test_recipes_that_are_none(earmark, tmp_path: Path, text: str, word: str) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(text)
    refused(earmark("train", recipe, "--data", tmp_path), 2, word)


def test_a_recipe_that_does_not_exist(earmark, tmp_path: Path) -> None:
    refused(earmark("train", "dmo", "--data", tmp_path), 2, "'dmo'", "did you mean 'demo'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("training.epochs", ("path=value",)),
        ("training.epochs=-1", ("training.epochs",)),
        ("view.0.mel.hop_samples=4096", ("hop",)),
        ("view.0.mel.fmax_hz=30000", ("fmax_hz", "30000", "16000")),
        ("model.encoder.widths=[4, 4, 4, 4, 4, 4, 4]", ("skip_cnn", "128", "64")),
        ("view.2.widest_bands=200", ("mask",)),
        ("objective.labels.streams=[noisy]", ("noisy", "curated")),
        ("objective.labels.term.head=other", ("other", "main")),
        ("view=[]", ("skip_cnn", "wave")),
        ("streams.curated.crop.length_s=0.01", ("crop", "skip_cnn")),
    ],
)
def test_settings_that_cannot_mean_anything(
    earmark, sounds: Path, trained: Path, tmp_path: Path, change: str, words
) -> None:
    said = earmark(
        "train", "demo", "--data", sounds, "--store", trained / "store", "--out", tmp_path / "r", "-s", change
    )
    refused(said, 2, *words)


def test_a_device_that_is_not_there(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"  # no machine has both
    where = ("--data", sounds, "--store", trained / "store", "--out", tmp_path / "r")
    refused(earmark("train", "demo", *where, "-s", f"training.device={absent}"), 2, absent, "cpu")
    clip = min((sounds / "test").iterdir())
    refused(earmark("tag", trained / "run", clip, "--device", absent), 2, absent, "cpu")


def test_a_csv_with_an_unknown_label(earmark, sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    shutil.copytree(sounds, folder)
    table = folder / "train_curated.csv"
    first, second, *rest = table.read_text().splitlines()
    table.write_text("\n".join([first, second.partition(",")[0] + ",Belll", *rest]) + "\n")
    refused(earmark("train", "demo", "--data", folder, "--out", tmp_path / "run"), 3, "Belll", "did you mean")


def test_a_text_file_named_wav_goes_into_quarantine(earmark, sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    shutil.copytree(sounds, folder)
    bad = min((folder / "train_curated").iterdir())
    bad.write_text("this is a letter to a friend")
    said = earmark("pack", "demo", "--data", folder, "--store", tmp_path / "store")
    assert said.code == 6 and bad.name in said.err and "unreadable" in said.err


def test_a_fold_that_is_not_there(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    arguments = ("train", "demo", "--data", sounds, "--store", trained / "store", "--out", tmp_path / "r", "--fold")
    refused(earmark(*arguments, "17"), 3, "fold 17")
    refused(earmark(*arguments, "first"), 2, "first")


def test_early_stopping_needs_a_held_out_fold(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    change = "training.early_stopping={patience_epochs: 2}"
    said = earmark(
        "train", "demo", "--data", sounds, "--store", trained / "store", "--out", tmp_path / "r", "-s", change
    )
    refused(said, 2, "early_stopping", "--fold")


def test_checkpoints_that_are_none(earmark, sounds: Path, trained: Path, tmp_path: Path, monkeypatch) -> None:
    clip = min((sounds / "test").iterdir())
    refused(earmark("tag", tmp_path, clip), 4, "no tagger")
    refused(earmark("tag", tmp_path / "none.safetensors", clip), 4, "no checkpoint")
    (tmp_path / "text.safetensors").write_text("hello")
    refused(earmark("tag", tmp_path / "text.safetensors", clip), 4, "not a readable checkpoint")
    save_file(load_file(trained / "run" / "tagger.safetensors"), tmp_path / "foreign.safetensors")
    refused(earmark("tag", tmp_path / "foreign.safetensors", clip), 4, "something else")
    refused(earmark("tag", trained / "run" / "checkpoints" / "last.safetensors", clip), 4, "not a tagger")
    monkeypatch.setattr(checkpoints, "VERSION", 99)
    refused(earmark("tag", trained / "run", clip), 4, "version 1", "version 99")


def test_tagging_what_is_not_there(earmark, trained: Path, tmp_path: Path) -> None:
    refused(earmark("tag", trained / "run", tmp_path / "dog.wav"), 3, "dog.wav")
    refused(earmark("tag", trained / "run", tmp_path), 3, "no audio files")
    (tmp_path / "a.wav").write_bytes(b"")
    refused(earmark("tag", trained / "run", tmp_path, "--out", tmp_path / "t.xls"), 2, ".csv")


def test_scoring_what_does_not_fit(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    test = trained / "run" / "predictions" / "test.parquet"
    refused(earmark("score", test, "--truth", tmp_path / "none.csv"), 3, "none.csv")
    refused(earmark("score", test, "--truth", sounds, "--ties", "frist"), 2, "did you mean 'first'")
    other = tmp_path / "other.csv"
    other.write_text("fname,labels\nzzz.wav,Bell\n")
    refused(earmark("score", test, "--truth", other), 3)
    (tmp_path / "nan.csv").write_text("fname,A,B\na.wav,nan,1\n")
    refused(earmark("score", tmp_path / "nan.csv", "--truth", sounds), 3, "NaN")


def test_a_full_disk_loses_nothing(earmark, sounds: Path, tmp_path: Path, monkeypatch) -> None:
    """The second checkpoint finds no room: one sentence, and the first one is still good to go on from."""
    import errno

    from tests.cli.conftest import train_arguments

    saves: list[Path] = []
    write = checkpoints.save_file

    def full(tensors, path, metadata=None):
        saves.append(path)
        if len(saves) == 4:  # each epoch saves the last and, when it is the best, the best
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(tensors, path, metadata=metadata)

    monkeypatch.setattr(checkpoints, "save_file", full)
    arguments = train_arguments(sounds, tmp_path, "--fold", "0", "-s", "training.epochs=6")
    said = earmark(*arguments)
    refused_code = said.code
    assert refused_code in (3, 4) and "disk" in said.err.lower() and "Traceback" not in said.err, said
    monkeypatch.setattr(checkpoints, "save_file", write)
    said = earmark(*arguments)
    assert said.code == 0 and "going on after epoch" in said.err


def test_a_run_that_somebody_else_works_on(earmark, sounds: Path, tmp_path: Path) -> None:
    from earmark.runs.folder import RunFolder
    from tests.cli.conftest import train_arguments

    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run").alone():
        said = earmark(*train_arguments(sounds, tmp_path))
    refused(said, 4, "another process")


def test_files_known_to_be_bad_are_left_out_and_named(earmark, sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    shutil.copytree(sounds, folder)
    table = folder / "train_curated.csv"
    first = table.read_text().splitlines()[1].partition(",")[0]
    table.write_text(table.read_text().replace(first, "1d44b0bd.wav"))
    (folder / "train_curated" / first).rename(folder / "train_curated" / "1d44b0bd.wav")
    (folder / "meta.csv").unlink()
    said = earmark("pack", "demo", "--data", folder, "--store", tmp_path / "store")
    assert said.code == 0 and "1d44b0bd" in said.err
