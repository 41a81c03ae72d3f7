"""``earmark show encoder.KIND``: the settings, and what the encoder costs."""

from __future__ import annotations

import pytest

from earmark.models.encoders.skip_cnn import SkipCNN


def rows(text: str) -> dict[str, str]:
    """The lines of the table by what they are about."""
    lines = text.split("multiply-adds for a clip of 10 s:")[1].splitlines()[1:]
    return {line[2:].split("  ")[0].strip(): " ".join(line.split()) for line in lines}


def test_settings_and_a_table_for_both_common_spectrograms(earmark) -> None:
    said = earmark("show", "encoder.skip_cnn", "-s", "widths=[4, 6]", "-s", "skip=false")
    assert said.code == 0 and not said.err
    assert "\n  widths: tuple[int, ...], default (64, 128, 256, 512)" in said.out
    assert "skip_cnn with its defaults, widths=[4, 6], skip=false, without a head" in said.out
    table = rows(said.out)
    assert table[""] == "log-mel, 64 bands log-mel, 128 bands"
    assert table["parameters"] == "parameters 780 780"
    assert table["receptive field"] == "receptive field 16 frames, 0.126 s 16 frames, 0.126 s"
    assert table["one frame every"] == "one frame every 4 frames, 0.0315 s 4 frames, 0.0315 s"
    assert table["shortest clip"] == "shortest clip 4 frames, 0.0315 s 4 frames, 0.0315 s"
    assert table["maps"] == "maps 6 channels of 16 bands 6 channels of 32 bands"
    # 1271 frames in 10 s, 635 after a pool
    millions = 9 * (64 * 1271 * (4 + 16) + 32 * 635 * (24 + 36)) / 10 / 1e6
    assert table["multiply-adds a second"].startswith(f"multiply-adds a second {millions:.1f} million")


def test_a_recipe_gives_its_view_and_the_settings_of_the_same_encoder(earmark) -> None:
    table = rows(earmark("show", "encoder.skip_cnn", "s0").out)
    assert table[""] == "view of s0" and table["maps"] == "maps 963 channels of 8 bands"
    said = earmark("show", "encoder.skip_cnn", "demo").out
    assert "skip_cnn as in recipe demo, without a head" in said
    narrow = rows(earmark("show", "encoder.skip_cnn", "demo", "-s", "widths=[4, 4, 4]").out)
    assert narrow["one frame every"].startswith("one frame every 8 frames")
    assert rows(said)["parameters"] != narrow["parameters"]
    other = earmark("show", "encoder.efficient", "s0", "-s", "width=0.1").out
    assert "efficient with its defaults, width=0.1, without a head" in other
    assert "gates the whole clip" in rows(other)["receptive field"]


def test_waves_and_nets_that_hear_everything(earmark) -> None:
    table = rows(earmark("show", "encoder.raw_lstm", "-s", "units=4").out)
    assert table[""] == "waves at 44.1 kHz"
    assert table["receptive field"] == "receptive field whole clip"
    assert table["shortest clip"] == "shortest clip 1,102 samples, 0.025 s"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("encoder.skip",), "did you mean 'skip_cnn'"),
        (("encoder.skip_cnn", "s00"), "did you mean 's0'"),
        (("encoder.skip_cnn", "-s", "width=3"), "width: no such setting; did you mean 'widths'"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(earmark, arguments, sentence) -> None:
    said = earmark("show", *arguments)
    assert said.code == 2 and sentence in said.err and "Traceback" not in said.err


def test_input_that_an_encoder_cannot_take_is_named_with_the_reason(earmark) -> None:
    said = earmark("show", "encoder.raw_lstm", "s0")
    assert said.code == 0
    assert "Not on view of s0: encoder 'raw_lstm' takes wave, but the view gives features" in said.out
    deep = earmark("show", "encoder.skip_cnn", "-s", f"widths={[2] * 7}").out
    assert "Not on log-mel, 64 bands: skip_cnn with 7 blocks" in deep and rows(deep)[""] == "log-mel, 128 bands"
    assert SkipCNN(widths=(2,) * 7).skip is True
