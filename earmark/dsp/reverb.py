"""Rooms: impulse responses made of noise that dies away, and waves heard through a response.

Waves are [batch, samples]; a response is [batch, taps] and begins with the sound that comes directly. The
reverberation time RT60 is how long a sound takes to fall by 60 dB.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Int32
from scipy.fft import next_fast_len
from torch import Tensor

from earmark.dsp.clipwise import Some, clipwise, rows_for_fft
from earmark.dsp.hashed import normal
from earmark.dsp.padding import padding_zeroed

# Freeverb's eight combs (Jezar at Dreampoint, 2000) are 25.3 to 36.7 ms long, 31.2 ms in the mean.
_COMB_S = 1378 / 44100
_LEAST_FEEDBACK, _MOST_FEEDBACK = 0.3, 0.98


def sox_rt60_s(reverberance: Float[Tensor, "*n"], room_scale: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The RT60 of SoX's ``reverb`` in seconds, for reverberance and room scale in percent (0 to 100).

    Reverberance r is a feedback of ``1 - 0.7 · (0.02 / 0.7)^(r / 100)``, 0.3 to 0.98; the room scale makes the combs
    a tenth to the whole of 31.2 ms long; and ``RT60 = -3 · comb / log10(feedback)``.

    >>> [round(float(s), 2) for s in sox_rt60_s(torch.tensor([0.0, 50.0, 50.0]), torch.tensor([0.0, 50.0, 100.0]))]
    [0.02, 0.94, 1.71]
    """
    left, most = 1.0 - _LEAST_FEEDBACK, 1.0 - _MOST_FEEDBACK
    feedback = 1.0 - left * (most / left) ** (reverberance / 100.0)
    return -3.0 * _COMB_S * (0.1 + 0.9 * room_scale / 100.0) / torch.log10(feedback)


def sox_wet_db(reverberance: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """How loud SoX's tail is beside the direct sound, in dB of energy, at its usual damping and wet gain.

    From -12.7 dB to -7.2 dB, on a line that its response to an impulse follows within 0.3 dB at any room scale.
    """
    return -12.7 + 0.055 * reverberance


def decaying(
    seeds: Int32[Tensor, "batch 2"],
    rt60_samples: Float[Tensor, " batch"],
    wet_db: Float[Tensor, " batch"],
    n: int,
) -> Float[Tensor, "batch n"]:
    """Responses of a direct sound of 1 and a tail of noise that falls by 60 dB in RT60, the same at all frequencies.

    The tail ends where it has fallen by 60 dB, so that it is the same for any ``n`` that it fits.

    Args:
        seeds: see `earmark.dsp.hashed`.
        rt60_samples: above 0.
        wet_db: energy of the tail, the direct sound having 1.
        n: how long the result is; a tail that does not fit is cut.
    """
    moments = torch.arange(n, device=seeds.device) / rt60_samples[:, None]
    tail = normal(seeds, n).mul_(torch.exp(moments * (-3.0 * math.log(10.0)))).masked_fill_(moments >= 1.0, 0.0)
    # The energy that is to be expected of the whole tail, so that cutting it does not make the rest louder.
    falling = torch.expm1(6.0 * math.log(10.0) / rt60_samples)
    tail *= (10.0 ** (wet_db / 20.0) * falling.sqrt())[:, None]
    tail[:, 0] = 1.0
    return tail


def convolved(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    responses: Callable[[slice], Float[Tensor, "some taps"]],
) -> Float[Tensor, "batch samples"]:
    """Each wave through its own response, cut at the length of the clip and as loud (root mean square) as it was.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        responses: gives those of some clips, on the device of the waves: of all at once, or on a CPU of a few after
            the other, so that they are as long as they have to be. Taps beyond the clip change nothing.
    """

    def heard(part: Tensor, some: Some) -> Tensor:
        made = _through(part, responses(some.rows))
        return _as_loud(made if some.lengths is None else padding_zeroed(made, some.lengths), part)

    return clipwise(heard, waves, lengths, n_rows=rows_for_fft(waves.shape[1]))


def _through(waves: Tensor, responses: Tensor) -> Tensor:
    n = waves.shape[1]
    responses = responses[:, :n]
    # Sizes with many factors of 2 take half as long as others with small factors.
    n_fft = 1024 * next_fast_len(-(-(n + responses.shape[1] - 1) // 1024), real=True)
    spectra = torch.fft.rfft(waves, n_fft) * torch.fft.rfft(responses, n_fft)
    made: Tensor = torch.fft.irfft(spectra, n_fft)
    return made[:, :n]


def _as_loud(made: Tensor, waves: Tensor) -> Tensor:
    energy, wanted = (values.square().sum(dim=1, keepdim=True) for values in (made, waves))
    return made * (wanted / energy.clamp(min=1e-30)).sqrt()
