"""Weights from elsewhere: names, shapes, heads and classes; what does not fit is told, and never half taken."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.attention import Attention
from earmark.models.heads.mean_max import MeanMax
from earmark.models.heads.recurrent import RecurrentHead
from earmark.models.network import ModelSettings, Network, class_axes
from earmark.models.segments import Segments
from earmark.models.weights import Fitting, Start, take
from tests.tiny import same_tensors

SPEC = Spec("features", 100.0, 1, 16)
CLASSES = ("bell", "cat", "dog")
ENCODER = SkipCNN(widths=(3, 4))
ONE = ModelSettings(encoder=ENCODER, heads={"main": MeanMax(hidden=3)})
TWO = ModelSettings(encoder=ENCODER, heads={"main": MeanMax(hidden=3), "noisy": MeanMax(hidden=3)})


def network_of(model: ModelSettings = ONE, seed: int = 0, n: int = 3) -> Network:
    torch.manual_seed(seed)
    return model.build(SPEC, n)


def taken(network: Network, model: ModelSettings, tensors, classes=CLASSES, theirs=CLASSES, **start) -> Fitting:
    by_class = class_axes(network, model, len(classes))
    return take(network, tensors, Start(weights="x", **start), by_class=by_class, classes=classes, theirs=theirs)


def test_a_net_of_the_same_settings_takes_everything():
    there, here = network_of(seed=1), network_of(seed=2)
    fitting = taken(here, ONE, there.state_dict(), strict="all")
    assert same_tensors(here.state_dict(), there.state_dict())
    assert fitting.lines() == [f"{len(there.state_dict())} tensors taken"]


def test_rows_follow_their_classes_and_new_ones_start_fresh():
    there, here = network_of(seed=1), network_of(seed=2, n=4)
    classes = ("cow", "dog", "bell", "ant")
    before = {name: value.clone() for name, value in here.state_dict().items()}
    fitting = taken(here, ONE, there.state_dict(), classes=classes)
    assert fitting.new_classes == ("cow", "ant") and not fitting.unfit and not fitting.missing
    for name in ("heads.main.layers.5.weight", "heads.main.layers.5.bias"):
        after, source = here.state_dict()[name], there.state_dict()[name]
        assert torch.equal(after[[1, 2]], source[[2, 0]]) and torch.equal(after[[0, 3]], before[name][[0, 3]])
    hidden = "heads.main.layers.1.weight"  # it has as many rows as there are classes, but none is a class's
    assert torch.equal(here.state_dict()[hidden], there.state_dict()[hidden])


def test_the_same_classes_in_another_order_are_the_same_net():
    there, here = network_of(seed=1).eval(), network_of(seed=2).eval()
    taken(here, ONE, there.state_dict(), classes=CLASSES[::-1])
    maps = here.encoder(torch.randn(2, 1, 16, 9), None)
    assert torch.equal(here.heads["main"](maps), there.heads["main"](maps).flip(1))


def test_what_has_a_row_for_each_class():
    heads = {"a": Attention(), "r": RecurrentHead(units=3, hidden=(3,)), "m": MeanMax(hidden=3)}
    for segments, inner in ((None, ""), (Segments(frames=8), "head.")):
        model = ModelSettings(encoder=ENCODER, heads=heads, segments=segments)
        names = ("a.classes", "a.weigh", "r.layers.4", "m.layers.5")
        wanted = {f"heads.{n[0]}.{inner}{n[2:]}.{each}": 0 for n in names for each in ("weight", "bias")}
        assert class_axes(network_of(model), model, 3) == wanted


def test_one_head_starts_both():
    there, here = network_of(seed=1), network_of(TWO, seed=2)
    fitting = taken(here, TWO, there.state_dict(), heads={"main": "main", "noisy": "main"}, strict="all")
    assert not fitting.missing
    for head in ("main", "noisy"):
        assert same_tensors(here.heads[head].state_dict(), there.heads["main"].state_dict())
    with pytest.raises(SettingsError, match="names head 'nosy', which there is not; did you mean 'noisy'"):
        read(ModelSettings, TWO.model_dump() | {"start": {"weights": "x", "heads": {"nosy": "main"}}})


def test_heads_may_start_fresh():
    there, here = network_of(seed=1), network_of(seed=2)
    before = {name: value.clone() for name, value in here.heads.state_dict().items()}
    fitting = taken(here, ONE, there.state_dict(), heads="fresh", strict="all")
    assert same_tensors(here.heads.state_dict(), before) and len(fitting.fresh) == len(before)
    assert same_tensors(here.encoder.state_dict(), there.encoder.state_dict())


def test_names_may_differ():
    there, here = network_of(seed=1), network_of(seed=2)
    foreign = {
        name.replace("encoder.blocks", "net.layers"): value for name, value in there.encoder.state_dict().items()
    }
    foreign = {f"net.{name.replace('blocks', 'stage')}": value for name, value in there.encoder.state_dict().items()}
    foreign["net.classifier.weight"] = torch.zeros(2)
    rules = {r"net\.classifier": None, r"net\.stage\.(\d)": r"encoder.blocks.\1"}
    fitting = taken(here, ONE, foreign, theirs=None, map=rules)
    assert same_tensors(here.encoder.state_dict(), there.encoder.state_dict())
    assert not fitting.left_over and all(name.startswith("heads.") for name in fitting.missing)
    with pytest.raises(SettingsError, match=r"two tensors the name .encoder\.x"):
        taken(here, ONE, {"a.x": torch.zeros(1), "b.x": torch.zeros(1)}, map={"[ab]": "encoder"})


@pytest.mark.parametrize(("pattern", "name"), [("(", "x"), ("a", r"\1")])
def test_a_rule_that_is_none_is_refused_at_once(pattern, name):
    with pytest.raises(SettingsError, match="is no rule for names"):
        read(Start, {"weights": "x", "map": {pattern: name}})


def test_a_net_heard_whole_starts_one_that_hears_segments():
    model = ModelSettings(**ONE.model_dump() | {"segments": Segments(frames=8)})
    there, here = network_of(seed=1), network_of(model, seed=2)
    taken(here, model, there.state_dict(), map={r"heads\.(\w+)": r"heads.\1.head"}, strict="all")
    assert same_tensors(here.heads["main"].head.state_dict(), there.heads["main"].state_dict())


@pytest.mark.parametrize(("strict", "refused"), [("all", True), ("encoder", True), ("none", False)])
def test_how_much_must_fit(strict, refused):
    there = network_of(ModelSettings(encoder=SkipCNN(widths=(3, 5)), heads=ONE.heads), seed=1)
    tensors = there.state_dict() | {"encoder.extra": torch.zeros(1)}
    here = network_of(seed=2)
    if refused:
        with pytest.raises(SettingsError, match="not every tensor fits") as said:
            taken(here, ONE, tensors, strict=strict)
        assert any("encoder.blocks.1.convolutions.0.weight is (5, 4, 3, 3) there" in line for line in said.value.faults)
        assert any("1 left over: encoder.extra" in line for line in said.value.faults)
    else:
        fitting = taken(here, ONE, tensors, strict=strict)
        assert fitting.left_over == ("encoder.extra",) and len(fitting.unfit) > 3
        first = "encoder.blocks.0.convolutions.0.weight"
        assert torch.equal(here.state_dict()[first], there.state_dict()[first])


def test_weights_none_of_which_fit_are_refused_however_little_is_asked():
    with pytest.raises(SettingsError, match="not a tensor fits"):
        taken(network_of(), ONE, {"a": torch.zeros(1)}, strict="none")
