"""Ready-made mel pictures are refused with the reason wherever somebody offers them for sounds; sounds are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.core.errors import DataError
from earmark.data.sources.detection import detect
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019
from earmark.data.sources.pictures import picture_in

CURATED = "fname,labels\na.wav,Bark\nb.wav,Meow\n"
KAGGLE = {"train_curated.csv": CURATED, "vocabulary.csv": "0,Bark\n1,Meow\n"}
PICKLES = {"mels_train_curated.pkl": "", "mels_trn_noisy_best50s.csv": "fname,labels,singled\nc.wav,Bark,1\n"}


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


REFUSED = {
    "the pickles alone": (PICKLES | {"mels_train_noisy.pkl": ""}, "mels_train_curated.pkl"),
    "beside the tables of Kaggle": (KAGGLE | PICKLES, "mels_train_curated.pkl"),
    "beside one table": ({"train_curated.csv": CURATED, "mels.pkl": ""}, "mels.pkl"),
    "an array a clip": (KAGGLE | {"train_curated/a.npy": "", "train_curated/b.npy": ""}, "train_curated/a.npy"),
    "an array for one clip": (KAGGLE | {"train_curated/a.wav": "", "train_curated/b.npy": ""}, "train_curated/b.npy"),
    "arrays without a table": ({"mel128/x.npy": "", "notes.txt": ""}, "mel128/x.npy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pictures_in_place_of_sounds_are_refused_with_the_reason_and_the_way_back(name: str, tmp_path: Path) -> None:
    files, named = REFUSED[name]
    lay(tmp_path, files)
    with pytest.raises(DataError, match=r"audio was wanted, but .* ready-made pictures") as raised:
        detect(tmp_path).read(tmp_path)
    said = str(raised.value)
    assert f"('{named}')" in said and "bring the audio" in said and "three_stages" in said
    assert "may run what it holds" in said and "\n" not in said


def test_a_pickle_that_is_named_as_the_data_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "mels.pkl").write_text("")
    with pytest.raises(DataError, match="ready-made pictures"):
        FSDKaggle2019().read(tmp_path / "mels.pkl")


def test_pictures_beside_sounds_are_nobodys_business(tmp_path: Path) -> None:
    lay(tmp_path, KAGGLE | PICKLES | {"train_curated/a.wav": "", "train_curated/b.wav": "", "train_curated/a.npy": ""})
    assert detect(tmp_path).read(tmp_path).ids == ("a.wav", "b.wav")
    (tmp_path / "train_curated" / "b.wav").unlink()
    with pytest.raises(DataError, match=r"1 of the 2 files that train_curated\.csv lists are not in"):
        detect(tmp_path).read(tmp_path)


def test_only_the_folder_and_what_is_right_below_is_looked_at(tmp_path: Path) -> None:
    lay(tmp_path, {"deep/deeper/x.npy": "", ".hidden/y.npy": "", "notes.txt": ""})
    assert picture_in(tmp_path) is None
    lay(tmp_path, {"deep/Z.NPY": ""})
    assert picture_in(tmp_path) == "deep/Z.NPY"
