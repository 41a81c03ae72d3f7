"""A soup as a stage: the mean of weights, statistics that fit it, judges that nobody knows, and a run's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.data.clips import Clips
from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.data.tables import read_predictions
from earmark.inference.predict import predict
from earmark.inference.settings import TaggerSettings
from earmark.inference.tagger import Tagger, load_tagger
from earmark.metrics import lwlrap
from earmark.models.statistics import batch_norms
from earmark.runs.folder import RunFolder
from earmark.stages.divide import Parts
from earmark.stages.soup import gather, make_soup
from tests.stages.test_clean import Told
from tests.tiny import MODEL, RATE_HZ, VIEW, clips_of, stirred

ALL = clips_of([4000] * 12 + [2500] * 6)
PARTS = Parts(ALL.rows(range(9)), ALL.rows(range(9, 15)), ALL.rows(range(15, 18)))


def tagger_of(seed: int, classes: tuple[str, ...] = ("low", "middle", "high")) -> Tagger:
    settings = TaggerSettings(
        classes=classes, pack=PackSettings(rate_hz=RATE_HZ), view=VIEW, model=MODEL, crop=Crop(length_s=0.25)
    )
    torch.manual_seed(seed)
    tagger = Tagger.build(settings)
    stirred(tagger.network, seed)
    return tagger


def run_of(place: Path, seed: int, *, fold: int | None = 1, learnt: Clips | None = PARTS.training) -> Path:
    run = RunFolder(place)
    run.claim("x", {}, {"fold": fold})
    run.write_json("learnt.json", {"clips": None if learnt is None else list(learnt.ids)})
    tagger_of(seed).save(run.tagger)
    return place


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [run_of(tmp_path / f"run{i}", i) for i in range(3)]


def test_a_uniform_soup_is_the_mean_with_statistics_of_its_own(runs: list[Path], tmp_path: Path) -> None:
    show, out = Told(), tmp_path / "soup"
    make_soup(gather(runs), "uniform", PARTS, out, show)
    made, single = load_tagger(out), [load_tagger(run) for run in runs]
    parts = [dict(each.network.named_parameters()) for each in single]
    for name, value in made.network.named_parameters():
        torch.testing.assert_close(value, sum(part[name] for part in parts) / 3)
    fresh = load_tagger(out)
    for layer in batch_norms(fresh.network):
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    predict(fresh, PARTS.training)
    for mine, wanted in zip(batch_norms(made.network), batch_norms(fresh.network), strict=True):
        torch.testing.assert_close(mine.running_mean, wanted.running_mean)
        torch.testing.assert_close(mine.running_var, wanted.running_var)
    assert not any(layer.training for layer in batch_norms(made.network))
    assert made.settings.run == "soup" and "does not fit" not in " ".join(show.lines)
    held_out = read_predictions(out / "predictions" / "held_out.parquet")
    assert set(held_out.ids) == set(PARTS.held_out.ids) and set(held_out.folds) == {1}  # type: ignore[union-attr, arg-type]
    np.testing.assert_allclose(held_out.scores, predict(made, PARTS.held_out).scores, atol=1e-5)  # type: ignore[arg-type]
    assert json.loads((out / "learnt.json").read_text())["clips"] == sorted(PARTS.training.ids)


def test_no_clip_is_alone_when_statistics_are_taken_anew(runs: list[Path], tmp_path: Path) -> None:
    """A batch of one has no deviation; the network has layers that would refuse it."""
    odd = clips_of([4000, 4000, 9000, 2500])
    assert any(len(group) == 1 for group in tagger_of(0).grouped([int(n) for n in odd.n_samples]))
    make_soup(gather(runs), "uniform", Parts(odd, None, None), tmp_path / "soup", Told())
    made = load_tagger(tmp_path / "soup")
    assert all(torch.isfinite(layer.running_var).all() for layer in batch_norms(made.network))
    with pytest.raises(DataError, match="taken over several clips, but there is just one; give --refresh 0"):
        make_soup(gather(runs), "uniform", Parts(odd.rows([0]), None, None), tmp_path / "one", Told())


def test_without_data_the_statistics_are_averaged_and_that_is_said(runs: list[Path], tmp_path: Path) -> None:
    show = Told()
    make_soup(gather(runs), "uniform", None, tmp_path / "soup", show)
    made, single = load_tagger(tmp_path / "soup"), [load_tagger(run) for run in runs]
    for number, layer in enumerate(batch_norms(made.network)):
        wanted = sum(batch_norms(each.network)[number].running_mean for each in single) / 3  # type: ignore[misc]
        torch.testing.assert_close(layer.running_mean, wanted)
    assert any("does not fit a mean of weights; give the data" in line for line in show.lines)
    assert not (tmp_path / "soup" / "predictions").exists()


def test_a_greedy_soup_is_not_behind_its_best(runs: list[Path], tmp_path: Path) -> None:
    show, out = Told(), tmp_path / "soup"
    make_soup(gather(runs), "greedy", PARTS, out, show)
    facts = json.loads((out / "soup.json").read_text())
    held_out = read_predictions(out / "predictions" / "held_out.parquet")
    assert PARTS.held_out is not None
    mine = lwlrap(PARTS.held_out.targets, held_out.aligned(PARTS.held_out.ids).scores)
    assert mine == pytest.approx(facts["held_out_lwlrap"], abs=1e-6)
    alone = tmp_path / "alone"
    for number, run in enumerate(runs):
        make_soup(gather([run, _copy(run, tmp_path)]), "uniform", PARTS, alone / str(number), Told())
        other = read_predictions(alone / str(number) / "predictions" / "held_out.parquet")
        assert mine >= lwlrap(PARTS.held_out.targets, other.aligned(PARTS.held_out.ids).scores) - 1e-9
    assert held_out.provenance["chosen_by_these"] is True
    assert any("a little too good" in line for line in show.lines)


def test_judges_are_unknown_to_every_network(runs: list[Path], tmp_path: Path) -> None:
    for number, strange in enumerate(({"learnt": ALL}, {"learnt": None}, {"fold": 2})):
        other = run_of(tmp_path / f"other{number}", 9, **strange)  # type: ignore[arg-type]
        found = gather([*runs, other])
        parts = PARTS if found.fold == 1 else Parts(PARTS.training, None, PARTS.test)
        with pytest.raises(SettingsError, match="a greedy soup asks held-out clips"):
            make_soup(found, "greedy", parts, tmp_path / "soup", Told())
        assert not (tmp_path / "soup").exists()
    make_soup(gather([*runs, tmp_path / "other0"]), "uniform", PARTS, tmp_path / "soup", Told())
    assert not (tmp_path / "soup" / "predictions" / "held_out.parquet").exists(), "scores of clips it knows are no use"
    assert (tmp_path / "soup" / "predictions" / "test.parquet").exists()


def test_strangers_and_loners_are_refused(runs: list[Path], tmp_path: Path) -> None:
    tagger_of(0, ("low", "middle", "shrill")).save(tmp_path / "odd.safetensors")
    with pytest.raises(RunError, match=r"are different networks.*classes.*'high' in one and 'shrill'"):
        gather([runs[0], tmp_path / "odd.safetensors"])
    with pytest.raises(RunError, match="two taggers at least"):
        gather([runs[0], runs[0]])
    with pytest.raises(RunError, match="holds no snapshots"):
        gather(runs, snapshots=True)
    with pytest.raises(RunError, match="holds no tagger"):
        gather([tmp_path])


def test_the_same_again_is_done_already(runs: list[Path], tmp_path: Path) -> None:
    show, out = Told(), tmp_path / "soup"
    make_soup(gather(runs), "uniform", PARTS, out, show)
    make_soup(gather(runs), "uniform", PARTS, out, show)
    assert show.lines[-1] == f"'{out}' is made already"
    with pytest.raises(RunError, match="made with other settings"):
        make_soup(gather(runs[:2]), "uniform", PARTS, out, show)


def _copy(run: Path, work: Path) -> Path:
    return Path(shutil.copytree(run, work / f"copy-of-{run.name}"))
