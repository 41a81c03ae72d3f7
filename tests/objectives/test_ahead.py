"""How far a step hears, against what happens when the input changes there."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.crnn import CRNN
from earmark.models.encoders.deep_cnn import DeepCNN
from earmark.models.encoders.efficient import Efficient
from earmark.models.encoders.encoder import Encoder
from earmark.models.encoders.patch_transformer import PatchTransformer
from earmark.models.encoders.plain_cnn import PlainCNN
from earmark.models.encoders.raw_cnn import RawCNN
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.network import ModelSettings
from earmark.models.segments import Segments
from earmark.objectives.ahead import Earshot, earshot, fewest_for, steps_of
from tests.tiny import features, stirred

MEL, WAVE = Spec("features", 100.0, 1, 16), Spec("wave", 8000.0)
CASES = [
    (SkipCNN(widths=(3, 4)), None, MEL),
    (PlainCNN(widths=(3, 4), kernels=(5, 3), strides=(2, 1)), None, MEL),
    (DeepCNN(blocks=2, base=3), None, MEL),
    (CRNN(widths=(3, 4), pools=((2, 2), (2, 1)), widths_in_time=(5,)), None, MEL),
    (RawCNN(first_width=3, widths=(4,), depths=(2,), first_kernel=8, first_stride=4, pool=2), None, WAVE),
    (PatchTransformer(patch=(4, 4), stride=(4, 4), width=6, n_layers=1, n_heads=1), Segments(frames=8), MEL),
]


@pytest.mark.parametrize(("encoder", "segments", "spec"), CASES)
def test_a_step_hears_from_first_to_last_and_no_further(encoder: Encoder, segments: Segments | None, spec: Spec):
    model = ModelSettings(encoder=encoder, segments=segments)
    torch.manual_seed(0)
    network, heard = stirred(model.build(spec, 2)), earshot(model, spec, "it")
    batch, step = features(spec, [fewest_for(25, model, spec)]), 12

    def maps(frame: int | None = None) -> torch.Tensor:
        values = batch.values.clone()
        if frame is not None:
            values[..., frame] += 10.0
        return steps_of(network.encode(batch.changed(values=values)), model)[0][0]

    with torch.no_grad():
        plain = maps()
        start, end = (step * heard.stride + each for each in (heard.first, heard.last))
        for frame, hears in ((start - 1, False), (start, True), (end, True), (end + 1, False)):
            assert bool((maps(frame)[step] != plain[step]).any()) == hears, frame - step * heard.stride
        # The nearest step that shares nothing with this one begins to hear where this one has ended, or later.
        assert (step + heard.apart) * heard.stride + heard.first > end
        assert (step + heard.apart - 1) * heard.stride + heard.first <= end


@pytest.mark.parametrize(("encoder", "segments", "spec"), CASES)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_so_many_frames_give_so_many_steps(encoder, segments, spec, n):
    model = ModelSettings(encoder=encoder, segments=segments)
    network = model.build(spec, 2).eval()
    length = fewest_for(n, model, spec)
    steps, lengths = steps_of(network.encode(features(spec, [length])), model)
    assert steps.shape[1] >= n and lengths is None
    batch = features(spec, [length, 3 * length])
    steps, lengths = steps_of(network.encode(batch), model)
    assert lengths is not None and int(lengths[0]) >= n and int(lengths[1]) == steps.shape[1]


@pytest.mark.parametrize(
    "encoder", [Efficient(width=0.1), PatchTransformer(patch=(4, 4), stride=(4, 4), width=6, n_layers=1, n_heads=1)]
)
def test_who_hears_the_whole_clip_is_refused_unless_it_hears_segments(encoder):
    model = ModelSettings(encoder=encoder)
    with pytest.raises(SettingsError, match=f"cpc predicts .* '{encoder.kind}' hears the whole clip .*model.segments"):
        earshot(model, MEL, "cpc")
    segmented = model.model_copy(update={"segments": Segments(frames=32)})
    assert earshot(segmented, MEL, "cpc") == Earshot(32, 0, 31)
    assert Earshot(32, 0, 31).apart == 1


def test_measuring_draws_no_random_number():
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    earshot(ModelSettings(encoder=SkipCNN(widths=(3, 4))), MEL, "it")
    assert torch.equal(torch.rand(2), wanted)
