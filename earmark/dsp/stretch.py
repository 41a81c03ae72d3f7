"""Waves played slower or faster at the same pitch, each clip at its own tempo, by laying pieces of it over one another.

Waves are [batch, samples]. The method is WSOLA (W. Verhelst and M. Roelands, 1993): the result is put together from
segments of the clip, each taken from about where the tempo says, moved by up to half of the search so that it goes on
as the segment before it would have, and faded in over the overlap. Nothing is analysed into frequencies, so attacks
stay sharp and noise stays noise; a tone keeps its frequency because every segment holds it. SoX's ``tempo`` and
``pitch`` work the same way. Tempos are numbers on the CPU.
"""

from __future__ import annotations

from typing import NamedTuple

import scipy.fft
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.dsp.clipwise import clipwise
from earmark.dsp.resample import n_resampled

# SoX's shares of the segment: at 82 ms the overlap is 12 ms and the search 14.68 ms.
_SEGMENT_IN_OVERLAP = 6.833
_SEGMENT_IN_SEARCH = 5.587
_LEAST_SAMPLES = 28
# Where several joins fit as well, as in a tone, the nearest is taken, not the one that rounding happens to favour.
_FOR_NEARNESS = 1e-5
# Each segment is a few small operations, whose calls cost more than what they do for one clip.
_ROWS_AT_ONCE = 8


class Pieces(NamedTuple):
    """What clips are cut into, in samples: segments, the overlap of two of them, the places tried for each."""

    segment: int
    overlap: int
    search: int

    @property
    def hop(self) -> int:
        """From one segment to the next in the result."""
        return self.segment - self.overlap


def pieces(segment_samples: int) -> Pieces | None:
    """Segments of this length with SoX's proportions; none if they are too short for a join to be found.

    >>> pieces(3616), pieces(20)
    (Pieces(segment=3616, overlap=529, search=647), None)
    """
    if segment_samples < _LEAST_SAMPLES:
        return None
    return Pieces(
        segment_samples, round(segment_samples / _SEGMENT_IN_OVERLAP), round(segment_samples / _SEGMENT_IN_SEARCH)
    )


def stretch(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    tempos: Float[Tensor, " batch"],
    n_out: int,
    cut: Pieces,
) -> Float[Tensor, "batch n_out"]:
    """Each wave at its tempo: 2 is twice as fast and half as long; 1 leaves it exactly as it is.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on; `n_resampled` says how many there are afterwards.
        tempos: above 0, on the CPU.
        n_out: how long the result is; what does not fit is cut.
        cut: from `pieces`. A clip shorter than a segment is not compressed but cut.
    """
    counts = n_resampled(lengths, tempos)
    return clipwise(
        lambda part, some: _stretched(part, tempos[some.rows], some.n, cut),
        waves, lengths, counts=counts, n_out=n_out, n_rows=_ROWS_AT_ONCE,
    )  # fmt: skip


def _stretched(waves: Tensor, tempos: Tensor, n_out: int, cut: Pieces) -> Tensor:
    """All clips at once, segment after segment, without regard to lengths."""
    segment, overlap, search = cut
    device, n_segments = waves.device, -(-n_out // cut.hop)
    padded = functional.pad(waves, (search // 2, segment + search))
    wanted = (tempos.double()[:, None] * torch.arange(n_segments) * cut.hop).round().long()
    starts = wanted.clamp(max=waves.shape[1] + search // 2).to(device, non_blocking=True)
    looked_at, taken = torch.arange(search + overlap - 1, device=device), torch.arange(segment, device=device)
    fade_in = torch.arange(overlap, device=device, dtype=waves.dtype) / overlap
    made = waves.new_empty(waves.shape[0], n_segments * cut.hop)
    tail = padded[:, search // 2 :][:, :overlap]
    for k in range(n_segments):
        start, at = starts[:, k : k + 1], k * cut.hop
        moved = _best(padded.gather(1, start + looked_at), tail) if k else search // 2
        piece = padded.gather(1, start + moved + taken)
        torch.lerp(tail, piece[:, :overlap], fade_in, out=made[:, at : at + overlap])
        made[:, at + overlap : at + cut.hop] = piece[:, overlap : cut.hop]
        tail = piece[:, cut.hop :]
    return made[:, :n_out]


def _best(region: Tensor, tail: Tensor) -> Int[Tensor, "batch 1"]:
    """Where in the region [batch, search + overlap - 1] the tail [batch, overlap] differs least from what is there."""
    overlap = tail.shape[1]
    search = region.shape[1] - overlap + 1
    n_fft = scipy.fft.next_fast_len(region.shape[1], real=True)
    product = torch.fft.rfft(region, n_fft) * torch.fft.rfft(tail, n_fft).conj()
    alike: Tensor = torch.fft.irfft(product, n_fft)[:, :search]
    running = functional.pad(region.square().cumsum(1), (1, 0))
    energy = running[:, overlap:] - running[:, :search]
    far = (torch.arange(search, device=region.device) - search // 2 - 0.25).abs() * (_FOR_NEARNESS / search)
    difference = energy - 2.0 * alike + (energy + tail.square().sum(1, keepdim=True)) * far
    return difference.argmin(dim=1, keepdim=True)
