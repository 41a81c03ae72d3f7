"""The tagger: network, clean view, vocabulary and pooling as one thing, and one file on disk.

A tagger hears waves and gives logits. It treats a clip shorter than its training crop as its training did, hears up
to ``window_s`` at once, and puts clips of similar length together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from earmark.core.batch import waves
from earmark.core.errors import DataError
from earmark.core.spec import Spec
from earmark.data.as_packed import blocks_as_packed
from earmark.data.buckets import buckets
from earmark.inference.pieces import stream_pieces
from earmark.inference.settings import TaggerSettings
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
        window = round(self.settings.inference.window_s * self.settings.rate_hz)
        heard = list(self.in_turn(stream_pieces(blocks_as_packed(path, self.settings.pack), window)))
        if not heard:
            raise DataError(f"'{path}' holds no samples, so there is nothing to tag", path)
        return self.pooled(np.stack(heard))

    def in_turn(self, pieces: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Logits of each piece of a stream, [classes], hearing no more than about a window's audio at a time.

        So the memory that a file takes does not depend on its length.
        """
        most = round(self.settings.inference.window_s * self.settings.rate_hz)
        group: list[NDArray[np.float32]] = []
        n_samples = 0
        for piece in pieces:
            n = len(self._extended(self.settings.crop.at_least(piece, self.settings.rate_hz)))
            if group and n_samples + n > most:
                yield from self.logits(group)
                group, n_samples = [], 0
            group.append(piece)
            n_samples += n
        if group:
            yield from self.logits(group)

    def pooled(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """One row of logits for the pieces of a clip."""
        pool = np.mean if self.settings.inference.pool == "mean" else np.max
        return np.asarray(pool(logits, axis=0), dtype=np.float32)

    def logits(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Logits of pieces that are in memory, [pieces, classes], in their order."""
        return self._heard(pieces, embed=False)

    def logits_and_vectors(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Logits of pieces, and behind them what the encoder makes of each, [pieces, classes + channels].

        The encoder's vector is the mean of its maps over time and frequency.
        """
        return self._heard(pieces, embed=True)

    def _heard(self, pieces: Sequence[NDArray[np.float32]], *, embed: bool) -> NDArray[np.float32]:
        crop, rate_hz, inference = self.settings.crop, self.settings.rate_hz, self.settings.inference
        extended = [self._extended(crop.at_least(piece, rate_hz)) for piece in pieces]
        n_columns = len(self.classes) + embed * self.network.encoder.n_channels
        found = np.zeros((len(pieces), n_columns), np.float32)
        groups = buckets(
            [len(wave) for wave in extended],
            most_clips=inference.batch_clips,
            most_samples=round(inference.batch_s * rate_hz),
            waste=inference.waste,
        )
        for group in groups:
            found[group] = self._hear_batch([extended[i] for i in group], embed).cpu().numpy()
        if np.isnan(found).any():
            raise DataError("the network gave NaN for a clip; its weights are damaged or the audio is not finite")
        return found

    def _extended(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """At least as long as the network needs; the padding is silence that counts as signal."""
        short = self.shortest_samples - len(wave)
        return np.pad(wave, (0, short)) if short > 0 else wave

    @torch.inference_mode()
    def _hear_batch(self, group: Sequence[NDArray[np.float32]], embed: bool) -> Tensor:
        lengths = torch.tensor([len(wave) for wave in group])
        values = torch.zeros(len(group), int(lengths.max()))
        for row, wave in enumerate(group):
            values[row, : len(wave)] = torch.from_numpy(wave)
        batch = waves(values, lengths, self.settings.rate_hz, tuple(map(str, range(len(group)))), len(self.classes))
        batch = batch.changed(padded=bool((lengths < values.shape[1]).any())).to(self.device)
        half = self.settings.inference.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            encoded = self.network.encode(self.view(batch))
            logits: Tensor = self.network.heads["main"](encoded)
        if not embed:
            return logits.float()
        return torch.cat([logits.float(), signal_mean(encoded.maps, encoded.lengths).float()], dim=1)

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
        inference: settings of use to change, such as ``window_s=10``.

    Raises:
        RunError: there is none, or it is of another version.
    """
    from earmark.core.errors import RunError
    from earmark.core.settings import read

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
