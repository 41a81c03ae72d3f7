"""A transformer over patches of a spectrogram (Y. Gong et al., 2021; K. Koutini et al., 2022), small by default.

The spectrogram is cut into patches of some bands and frames, which may overlap; each becomes a token. A token knows
its place by two codes, one along frequency and one along time, so that clips may have any length. After the layers the
tokens are back on their grid [freq, time], and heads pool them as they pool any maps: there is no token for the class.

In training some patches of each clip are dropped before the layers (patchout), which saves time and keeps the net from
leaning on single places. The maps keep their shape all the same: dropped places hold the mean of those that were
kept, so that the mean and the maximum over a clip are those of what was heard, and no head need know.
"""

from typing import Literal, NamedTuple

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from earmark.core.batch import signal_mask
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.masks import Lengths, masked, strided
from earmark.models.layers.transformer import LearnedCode, SinusoidalCode, TransformerLayer


class Patchout(Settings):
    """What share of a clip's patches is dropped in training; drawn anew for each clip and step."""

    bands: float = Field(1 / 3, ge=0, lt=1)
    """Share of the rows, each dropped whole."""
    frames: float = Field(0.4, ge=0, lt=1)
    """Share of the columns, each dropped whole."""
    single: float = Field(0.0, ge=0, lt=1)
    """Share of what is then left, patch by patch."""


class PatchTransformer(Encoder, kind="patch_transformer"):
    """Patches as tokens, with codes for their band and their time, through layers of self-attention."""

    patch: tuple[int, int] = (16, 16)
    """Bands and frames of a patch."""
    stride: tuple[int, int] = (10, 10)
    """Bands and frames from one patch to the next; less than a patch makes them overlap."""
    width: int = Field(192, ge=1)
    """Numbers in a token, and channels of the maps."""
    n_layers: int = Field(8, ge=1)
    n_heads: int = Field(3, ge=1)
    """Heads of each attention; they divide the width."""
    mlp_ratio: float = Field(4.0, gt=0)
    """Units of a layer's hidden layer, as a multiple of the width."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share dropped in training of what attention and layers add."""
    patchout: Patchout | None = Patchout()
    """What is not heard in training; null hears everything."""
    band_codes: Literal["learned", "sinusoidal"] = "learned"
    time_codes: Literal["learned", "sinusoidal"] = "sinusoidal"
    """Sines go on for ever; learned codes end with the last of ``n_codes``, which stands for all later ones."""
    n_codes: int = Field(256, ge=1)
    """How many learned codes along time."""
    shift: int = Field(100, ge=0)
    """In training the time of each clip starts at a random place up to this many patches, so that clips longer than the
    training's crops meet codes that the net knows."""

    @field_validator("patch", "stride")
    @classmethod
    def _positive(cls, size: tuple[int, int]) -> tuple[int, int]:
        if min(size) < 1:
            raise ValueError(f"it is (bands, frames), both at least 1, got {size}")
        return size

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if self.width % self.n_heads:
            raise SettingsError(
                f"patch_transformer has {self.n_heads} heads and a width of {self.width}, which they do not divide"
            )
        if spec.n_bands < self.patch[0]:
            raise SettingsError(
                f"patch_transformer has patches of {self.patch[0]} bands, but the view gives {spec.n_bands}; "
                "use more bands or smaller patches"
            )

    def shortest(self, spec: Spec) -> int:
        return self.patch[1]

    def build(self, spec: Spec) -> "PatchTransformerModule":
        self.check(spec)
        return PatchTransformerModule(self, spec)


class PatchTransformerModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: PatchTransformer, spec: Spec) -> None:
        super().__init__()
        self.settings = settings
        self.n_channels = settings.width
        self.n_bands = (spec.n_bands - settings.patch[0]) // settings.stride[0] + 1
        self.stride = settings.stride[1]
        self.embed = nn.Conv2d(spec.n_channels, settings.width, settings.patch, settings.stride)
        self.band_code = _code(settings.band_codes, self.n_bands, settings.width)
        self.time_code = _code(settings.time_codes, settings.n_codes, settings.width)
        self.layers = nn.ModuleList(
            TransformerLayer(settings.width, settings.n_heads, settings.mlp_ratio, settings.dropout)
            for _ in range(settings.n_layers)
        )
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, values: Tensor, lengths: Tensor | None) -> Encoded:
        lengths = strided(lengths, self.settings.patch[1], self.settings.stride[1])
        # What goes from layer to layer is float32 in mixed precision too: sums of many parts need the digits.
        grid = self.embed(values).float().permute(0, 2, 3, 1)
        shape = grid.shape[1:3]
        tokens = (grid + self._codes(grid)).flatten(1, 2)
        if self.training and self.settings.patchout is not None:
            kept = drawn(self.settings.patchout, len(tokens), shape, lengths, tokens.device)
            tokens = kept.on_grid(self._through(kept.of(tokens), kept.heard), shape[0] * shape[1])
        elif lengths is None:
            tokens = self._through(tokens, None)
        else:
            # A clip without any patch hears the padding, so that its numbers stay finite; none of them is used.
            heard = signal_mask(lengths.clamp(min=1), shape[1])[:, None, :].expand(-1, shape[0], -1).flatten(1)
            tokens = self._through(tokens, heard)
        maps = tokens.transpose(1, 2).reshape(*tokens.shape[::2], *shape)
        return Encoded(masked(maps, lengths), lengths)

    def _codes(self, grid: Tensor) -> Tensor:
        """Codes that fit the grid [batch, freq, time, width]."""
        n, n_bands, n_frames = grid.shape[:3]
        places = torch.arange(n_frames, device=grid.device)[None]
        if self.training and self.settings.shift:
            places = places + torch.randint(self.settings.shift + 1, (n, 1), device=grid.device)
        bands: Tensor = self.band_code(torch.arange(n_bands, device=grid.device))
        codes: Tensor = bands[None, :, None] + self.time_code(places)[:, None]
        return codes

    def _through(self, tokens: Tensor, heard: Tensor | None) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens, heard)
        normed: Tensor = self.norm(tokens)
        return normed


class Kept(NamedTuple):
    """The tokens of each clip that are heard in this step."""

    places: Tensor
    """[batch, kept]: their numbers on the grid."""
    heard: Tensor | None
    """[batch, kept]: whether they count; a short clip keeps fewer than a long one. None where all do."""

    def of(self, tokens: Tensor) -> Tensor:
        """The kept ones of all tokens [batch, tokens, width]."""
        return tokens.gather(1, self.places[:, :, None].expand(-1, -1, tokens.shape[2]))

    def on_grid(self, tokens: Tensor, n_places: int) -> Tensor:
        """Kept tokens back in their places, and their mean in all others."""
        if self.heard is None:
            mean = tokens.mean(dim=1, keepdim=True)
        else:
            counts = self.heard.sum(dim=1)[:, None, None]
            mean = tokens.masked_fill(~self.heard[:, :, None], 0.0).sum(dim=1, keepdim=True) / counts
            tokens = tokens.where(self.heard[:, :, None], mean)
        places = self.places[:, :, None].expand_as(tokens)
        return mean.expand(-1, n_places, -1).scatter(1, places, tokens)


def drawn(patchout: Patchout, n: int, shape: tuple[int, int], lengths: Lengths, device: torch.device) -> Kept:
    """What each of ``n`` clips keeps of a grid [freq, time]; of its own frames, whatever the padding.

    The numbers are those of torch's own generator on the device, which the trainer seeds for each step.
    """
    n_bands, n_frames = shape
    every = None if lengths is None else lengths.clamp(min=1)
    n_rows, n_columns = _left(n_bands, patchout.bands), _left(n_frames, patchout.frames)
    n_kept = _left(n_rows * n_columns, patchout.single)
    beyond = None if every is None else ~signal_mask(every, n_frames)
    columns_of = n_columns if every is None else _left_of(every, patchout.frames).clamp(max=n_columns)[:, None]
    rows = _ranks(torch.rand(n, n_bands, device=device)) < n_rows
    columns = _ranks(_last(torch.rand(n, n_frames, device=device), beyond)) < columns_of
    alive = (rows[:, :, None] & columns[:, None, :]).flatten(1)
    places = _last(torch.rand(n, n_bands * n_frames, device=device), ~alive).argsort(dim=1)[:, :n_kept]
    if every is None:
        return Kept(places, None)
    counts = _left_of(n_rows * columns_of[:, 0], patchout.single).clamp(max=n_kept)  # type: ignore[index]
    return Kept(places, signal_mask(counts, n_kept))


def _left(n: int, share: float) -> int:
    return max(1, n - round(n * share))


def _left_of(counts: Tensor, share: float) -> Tensor:
    return (counts - torch.round(counts * share).to(counts.dtype)).clamp(min=1)


def _last(scores: Tensor, which: Tensor | None) -> Tensor:
    """Scores in [0, 1), with some of them behind all others."""
    return scores if which is None else scores + which


def _ranks(scores: Tensor) -> Tensor:
    return scores.argsort(dim=1).argsort(dim=1)


def _code(name: str, n_places: int, width: int) -> nn.Module:
    return SinusoidalCode(width) if name == "sinusoidal" else LearnedCode(n_places, width)
