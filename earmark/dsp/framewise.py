"""Frames of long waves, worked on a piece at a time.

Overlapping frames and their spectra are many times as large as what is made of them, so they are made and folded in
pieces that stay in the processor's cache. A CPU leaves out the frames that lie in the padding, and does pieces side by
side, each by one thread; an accelerator takes all clips at once, as many frames as memory should hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.dsp.padding import padding_zeroed
from earmark.dsp.stft import framed, n_frames
from earmark.dsp.threads import side_by_side

Fold = Callable[[Tensor, bool], Tensor]
"""Makes [..., bands, time] of frames [..., time, n_fft], each frame for itself; the second argument is whether a
gradient will be asked for, so that nothing may be done in place. Without one, a CPU gives frames of a single clip."""

# Values in a piece of frames: 5 MB with its spectrum on a CPU, half a GB on an accelerator.
_PIECE_ON_CPU = 5 << 17
_PIECE_ELSEWHERE = 1 << 26


class _Piece(NamedTuple):
    """Some frames of one clip of so many samples."""

    clip: int
    n_samples: int
    start: int
    end: int


def folded(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    n_fft: int,
    hop_samples: int,
    n_bands: int,
    fold: Fold,
) -> Float[Tensor, "batch bands time"]:
    """What ``fold`` makes of centred frames with zeros beyond the ends.

    The frames of a clip do not depend on what else is in the batch, and frames behind its length are exactly zero.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        n_fft: samples of a frame.
        hop_samples: samples from one frame to the next.
        n_bands: how many bands the fold makes.
        fold: see `Fold`.
    """
    counts = n_frames(lengths, hop_samples)
    if torch.is_grad_enabled() and waves.requires_grad:
        return padding_zeroed(fold(framed(waves, n_fft, hop_samples), True).contiguous(), counts)
    made = waves.new_empty(waves.shape[0], n_bands, n_frames(waves.shape[1], hop_samples))
    if waves.device.type != "cpu":
        _fill_together(made, framed(waves, n_fft, hop_samples), fold)
        return padding_zeroed(made, counts)

    def fill(piece: _Piece) -> None:
        frames = _frames(waves[piece.clip, : piece.n_samples], piece.start, piece.end, n_fft, hop_samples)
        made[piece.clip, :, piece.start : piece.end] = fold(frames, False)
        if piece.end == n_frames(piece.n_samples, hop_samples):
            made[piece.clip, :, piece.end :] = 0.0

    side_by_side(fill, _pieces(lengths.tolist(), hop_samples, max(1, _PIECE_ON_CPU // n_fft)))
    return made


def _pieces(lengths: list[int], hop_samples: int, most: int) -> list[_Piece]:
    """All frames of all clips, at most so many in a piece."""
    return [
        _Piece(clip, length, start, min(start + most, n_frames(length, hop_samples)))
        for clip, length in enumerate(lengths)
        for start in range(0, n_frames(length, hop_samples), most)
    ]


def _frames(wave: Tensor, start: int, end: int, n_fft: int, hop_samples: int) -> Tensor:
    """Some of the centred frames [time, n_fft] of one clip [samples]; only pieces at its ends are copied."""
    first = start * hop_samples - n_fft // 2
    last = first + (end - start - 1) * hop_samples + n_fft
    before, behind = max(-first, 0), max(last - wave.shape[0], 0)
    piece = wave[first + before : last - behind]
    return (functional.pad(piece, (before, behind)) if before or behind else piece).unfold(0, n_fft, hop_samples)


def _fill_together(made: Tensor, frames: Tensor, fold: Fold) -> None:
    """Fill ``made`` [batch, bands, time] from all clips at once, as many frames at a time as memory should hold."""
    step = max(1, _PIECE_ELSEWHERE // (frames.shape[0] * frames.shape[-1]))
    for start in range(0, frames.shape[1], step):
        made[:, :, start : start + step] = fold(frames[:, start : start + step], False)
