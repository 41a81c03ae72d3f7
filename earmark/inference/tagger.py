"""The tagger: network, clean view, vocabulary and way of hearing as one thing, and one file on disk.

A tagger hears waves and gives logits. It treats a clip shorter than its training crop as its training did, hears up
to ``window_s`` at once, and puts clips of similar length together. What of a clip it hears is a plan
(`earmark.inference.plan`) that its way of hearing makes and `earmark.inference.listening` carries out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from earmark.core.batch import Batch, waves
from earmark.core.errors import DataError, RunError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.data.as_packed import blocks_as_packed
from earmark.data.buckets import buckets, patient_buckets
from earmark.dsp.precision import precision_named
from earmark.inference.listening import Stretch, hear_stream, hear_waves
from earmark.inference.plan import PLAIN, Plan, Turn
from earmark.inference.settings import TaggerSettings
from earmark.inference.turning import looks
from earmark.models.layers.masks import signal_mean
from earmark.models.network import Network
from earmark.runs.checkpoints import load, put_back, save
from earmark.signal.view import ViewModule, build_view


@dataclass(frozen=True, slots=True)
class Tag:
    """A class with the probability that it can be heard."""

    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label} {self.probability:.2f}"


class Tagger:
    """What a run leaves for use: ``tagger.tag("dog.wav")``."""

    def __init__(self, settings: TaggerSettings, network: Network, view: ViewModule, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.network = network.to(device).eval()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.view = view.to(device).eval()
        self.shortest_samples = _shortest(settings, view.spec)
        self.ear = settings.inference.ear(settings.view, settings.rate_hz, settings.crop)

    @property
    def classes(self) -> tuple[str, ...]:
        """The vocabulary, in the order of the scores."""
        return self.settings.classes

    @classmethod
    def build(cls, settings: TaggerSettings, device: torch.device | str = "cpu") -> Tagger:
        """A tagger with fresh weights."""
        view = build_view(settings.view, Spec("wave", settings.rate_hz))
        network = settings.model.build(view.spec, len(settings.classes))
        return cls(settings, network, view, torch.device(device))

    def tag(self, path: str | Path, *, top: int = 5, threshold: float = 0.0) -> list[Tag]:
        """What can be heard in a file, most probable first.

        Args:
            path: audio of any length and rate.
            top: how many classes at the most.
            threshold: probability below which a class is left out.

        Raises:
            DataError: the file cannot be decoded, and why.
        """
        probabilities = expit(self.file_logits(path).astype(np.float64))
        order = np.argsort(-probabilities, kind="stable")[:top]
        return [Tag(self.classes[i], float(probabilities[i])) for i in order if probabilities[i] >= threshold]

    def file_logits(self, path: str | Path) -> NDArray[np.float32]:
        """Logits of one file, [classes], decoded and heard piece by piece however long it is."""
        heard = self.file_stretches(path, str(path))
        if not heard:
            raise DataError(f"'{path}' holds no samples, so there is nothing to tag", path)
        return heard[0].logits

    def file_stretches(self, path: str | Path, name: str, stretch_samples: int = sys.maxsize) -> list[Stretch]:
        """Each stretch of a file, heard as it is decoded; none at all if it holds no samples.

        Ways of hearing that depend on where the file ends decode it twice.

        Args:
            name: what the clip is called, where chance depends on it.
            stretch_samples: the length of a stretch; the last one may be shorter.
        """
        n_samples = None
        if self.settings.inference.hearing.needs_length:
            n_samples = sum(map(len, blocks_as_packed(path, self.settings.pack)))
        blocks = blocks_as_packed(path, self.settings.pack)
        return hear_stream(self, blocks, name, n_samples=n_samples, stretch_samples=stretch_samples)

    def clip_logits(self, waves: Sequence[NDArray[np.float32]], names: Sequence[str]) -> NDArray[np.float32]:
        """Logits of clips that are in memory, [clips, classes], each heard as ``inference.hearing`` says.

        Args:
            waves: of any lengths, at the tagger's rate.
            names: what they are called; chance depends on it where a way of hearing draws.
        """
        return hear_waves(self, waves, names)

    def plan(self, n_samples: int, name: str) -> Plan:
        """What is to be heard of a clip of this length, and how it becomes one row.

        Args:
            name: what the clip is called; its folders are of no account.
        """
        return self.settings.inference.hearing.plan(n_samples, self.ear, PurePath(name).name)

    def using(self, **inference: object) -> Tagger:
        """The same weights used in another way: with settings of use changed, such as ``window_s=10``.

        Raises:
            SettingsError: such settings are not, or this tagger cannot hear so.
        """
        data = self.settings.model_dump(mode="json")
        data["inference"] |= inference
        return Tagger(read(TaggerSettings, data, what="the tagger"), self.network, self.view, self.device)

    def logits(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Logits of pieces that are in memory, each heard at once, [pieces, classes], in their order."""
        return self.listen(pieces)[:, 0]

    def must_be_taught(self) -> None:
        """Refuse to score where nothing has taught the head.

        Raises:
            RunError: its run trained the encoder alone.
        """
        if not self.settings.taught:
            raise RunError(
                f"run '{self.settings.run}' trained an encoder and taught head 'main' nothing, so what it says of a "
                "clip means nothing; begin another recipe with its weights (model.start) and use that"
            )

    def heard_samples(self, n_samples: int, pad_samples: int = 0) -> int:
        """How long a piece is once the rule for short clips was applied, and it was padded."""
        crop = self.settings.crop
        least = 0 if crop.short == "keep" or not n_samples else crop.least_samples(self.settings.rate_hz)
        return max(n_samples, least, self.shortest_samples) + 2 * pad_samples

    def grouped(self, lengths: Sequence[int]) -> list[NDArray[np.int64]]:
        """Places of pieces of these lengths in samples, batch by batch."""
        inference = self.settings.inference
        clips, samples = inference.batch_clips, round(inference.batch_s * self.settings.rate_hz)
        if inference.patience is None:
            return buckets(lengths, most_clips=clips, most_samples=samples, waste=inference.waste)
        rule = inference.patience
        return patient_buckets(
            lengths,
            most_clips=clips,
            most_samples=samples,
            most_batches=rule.batches + len(lengths) / rule.clips_a_batch,
            highest=rule.highest,
            step=rule.step,
        )

    def listen(
        self,
        pieces: Sequence[NDArray[np.float32]],
        pads: Sequence[int] | None = None,
        turns: Sequence[Turn] = (PLAIN,),
        *,
        origins: Sequence[int] | None = None,
        embed: bool = False,
        at_once: bool = False,
    ) -> NDArray[np.float32]:
        """What the network says of pieces, each at once and looked at in some ways, [pieces, turns, columns].

        Args:
            pieces: waves.
            pads: samples of silence at both ends of each, behind the rule for short clips.
            turns: the ways.
            origins: index of that of each piece, as in `earmark.core.manifest.ORIGINS`; none takes all for curated.
            embed: whether behind the logits stands what the encoder makes of a piece: the mean of its maps over time
                and frequency.
            at_once: the pieces are one batch as they are.
        """
        if not embed:
            self.must_be_taught()
        pads = [0] * len(pieces) if pads is None else pads
        n_columns = len(self.classes) + embed * self.network.encoder.n_channels
        found = np.zeros((len(pieces), len(turns), n_columns), np.float32)
        lengths = [self.heard_samples(len(piece), pad) for piece, pad in zip(pieces, pads, strict=True)]
        for group in [np.arange(len(pieces))] if at_once else self.grouped(lengths):
            batch = self._batch([self._ready(pieces[i], pads[i]) for i in group])
            if origins is not None:
                batch = batch.changed(origins=torch.tensor([origins[i] for i in group], device=self.device))
            found[group] = self._hear_batch(batch, turns, embed).cpu().numpy()
        half = self.settings.inference.precision == "float16"
        if (~np.isfinite(found) if half else np.isnan(found)).any():
            why = "float16 may have overflowed: use bfloat16; or " if half else ""
            raise DataError(f"the network gave NaN for a clip; {why}its weights are damaged or the audio is not finite")
        return found

    def _ready(self, piece: NDArray[np.float32], pad: int) -> NDArray[np.float32]:
        """As long as its training and the network need it; what is added to that is silence that counts as signal."""
        wave = self.settings.crop.at_least(piece, self.settings.rate_hz)
        short = max(0, self.shortest_samples - len(wave))
        return np.pad(wave, (pad, short + pad)) if short or pad else wave

    def _batch(self, group: Sequence[NDArray[np.float32]]) -> Batch:
        lengths = torch.tensor([len(wave) for wave in group])
        values = torch.zeros(len(group), int(lengths.max()))
        for row, wave in enumerate(group):
            values[row, : len(wave)] = torch.from_numpy(wave)
        batch = waves(values, lengths, self.settings.rate_hz, tuple(map(str, range(len(group)))), len(self.classes))
        return batch.changed(padded=bool((lengths < values.shape[1]).any())).to(self.device)

    @torch.inference_mode()
    def _hear_batch(self, batch: Batch, turns: Sequence[Turn], embed: bool) -> Tensor:
        named = precision_named(self.settings.inference.precision, self.device)
        half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(named)
        found = []
        with torch.autocast(self.device.type, half or torch.bfloat16, enabled=half is not None):
            for look in looks(self.view, batch, turns):
                encoded = self.network.encode(look)
                columns = [self.network.heads["main"](encoded).float()]
                if embed:
                    columns.append(signal_mean(encoded.maps, encoded.lengths).float())
                found.append(torch.cat(columns, dim=1))
        return torch.stack(found, dim=1)

    def save(self, path: Path, **facts: object) -> None:
        """Write the tagger as one file."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"view/{name}": value for name, value in self.view.state_dict().items()}
        save(path, tensors, {"tagger": self.settings.model_dump(mode="json"), **facts})


def _shortest(settings: TaggerSettings, spec: Spec) -> int:
    """Samples that leave the encoder something to pool."""
    frames = settings.model.shortest(spec)
    return int(np.ceil(frames * settings.rate_hz / spec.rate_hz))


def load_tagger(path: str | Path, device: torch.device | str = "cpu", **inference: object) -> Tagger:
    """A tagger from its file, or from the folder of the run that made it.

    Args:
        path: ``runs/name`` or ``runs/name/tagger.safetensors``.
        inference: settings of use to change, such as ``window_s=10`` or ``hearing={"kind": "padded"}``.

    Raises:
        RunError: there is none, or it is of another version.
        SettingsError: such settings are not, or this tagger cannot hear so.
    """
    place = Path(path)
    if place.is_dir():
        place = place / "tagger.safetensors"
        if not place.is_file():
            raise RunError(
                f"run '{path}' has no tagger yet; finish its training with the same earmark train command", path
            )
    tensors, facts = load(place)
    if "tagger" not in facts:
        raise RunError(
            f"'{place}' is a checkpoint to go on training from, not a tagger; name tagger.safetensors", place
        )
    data = facts["tagger"]
    data["inference"] = data["inference"] | inference
    tagger = Tagger.build(read(TaggerSettings, data, what=f"the settings in '{place}'"), device)
    for prefix, module in (("network/", tagger.network), ("view/", tagger.view)):
        put_back(module, {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    return tagger
