"""earmark learns to tag sounds from a little trusted labelling and a lot of hearsay.

    import earmark
    tagger = earmark.load("runs/small")
    for tag in tagger.tag("dog.wav"):
        print(tag.label, tag.probability)

The package is a house of layers; ``docs/design.md`` is its plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from earmark.inference.tagger import Tagger

__all__ = ["load"]


def load(run: str | Path, device: str = "cpu", **inference: object) -> Tagger:
    """The tagger that a run has left.

    Args:
        run: the folder of the run, or its ``tagger.safetensors``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        inference: settings of use to change, such as ``window_s=10`` or ``hearing={"kind": "padded"}``.

    Raises:
        RunError: there is none, or it is of another version.
        SettingsError: the device or such settings are not there, or the tagger cannot hear so.
    """
    from earmark.inference.tagger import load_tagger
    from earmark.training.devices import device_named

    return load_tagger(run, device_named(device), **inference)
