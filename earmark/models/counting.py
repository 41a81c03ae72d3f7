"""What an encoder costs and how far it hears: parameters, multiply-adds, receptive field.

Multiply-adds are those of convolutions, linear layers, recurrent nets and attention, counted as a clip goes through on
torch's meta device, where nothing is computed. Zeros that pad a convolution count as it computes with them. The
receptive field is measured: it is where in the input the gradient of one frame of the maps is not zero. So that a
gradient is zero only where there is no way at all, activations and norms let everything pass meanwhile, maxima are
means, and all weights are positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder, EncoderModule
from earmark.models.network import n_parameters

CLIP_S = 10.0
LONGEST_S = 30.0
"""A net that hears more than this hears the whole clip."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one frame of the maps hears."""

    frames: int | None
    """Frames (or samples) of the input, from the first to the last; none where it is the whole clip."""
    gated: bool
    """Whether gates look at the whole clip besides: they scale what is heard by what the clip is like on average."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which frames (or samples) of the input a frame of the maps hears, counted from its number times the stride."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What an encoder costs and gives, for input of one spec."""

    n_parameters: int
    multiply_adds_per_s: float
    """For a second of audio, of a clip of `CLIP_S`."""
    reach: Reach
    stride: int
    """Frames (or samples) of the input for one frame of the maps."""
    shortest: int
    """The fewest frames (or samples) that it takes."""
    n_channels: int
    n_bands: int


def counts(encoder: Encoder, spec: Spec) -> Counts:
    """Everything about an encoder on input of this spec.

    Raises:
        SettingsError: the encoder cannot take such input.
    """
    encoder.check(spec)
    module = _on_meta(encoder, spec)
    n = max(round(CLIP_S * spec.rate_hz), encoder.shortest(spec))
    return Counts(
        n_parameters=n_parameters(module),
        multiply_adds_per_s=multiply_adds(encoder, spec, n) * spec.rate_hz / n,
        reach=reach(encoder, spec),
        stride=module.stride,
        shortest=encoder.shortest(spec),
        n_channels=module.n_channels,
        n_bands=module.n_bands,
    )


def multiply_adds(encoder: Encoder, spec: Spec, n_frames: int) -> int:
    """Multiplications, each with an addition, for one clip of this many frames (or samples) in use.

    >>> from earmark.models.encoders.skip_cnn import SkipCNN
    >>> multiply_adds(SkipCNN(widths=(4,), skip=False), Spec("features", 100.0, 1, 8), 10)  # 80 places, 9 x 4 (1 + 4)
    14400
    """
    module = _on_meta(encoder, spec)
    with torch.no_grad(), FlopCounterMode(display=False) as counter, _StepsAtOnce():
        module(_clip(spec, n_frames, torch.device("meta")), None)
    return int(counter.get_total_flops()) // 2


def reach(encoder: Encoder, spec: Spec) -> Reach:
    """How far one frame of the maps hears, measured.

    >>> from earmark.models.encoders.skip_cnn import SkipCNN
    >>> reach(SkipCNN(widths=(4,)), Spec("features", 100.0, 1, 8))  # two convolutions of 3 frames, a pool of 2
    Reach(frames=6, gated=False)
    """
    found, gated = _measured(encoder, spec)
    return Reach(found.last - found.first + 1 if found else None, gated)


def window(encoder: Encoder, spec: Spec) -> Window | None:
    """Where what one frame of the maps hears begins and ends; none where that is the whole clip, if only by gates.

    >>> from earmark.models.encoders.skip_cnn import SkipCNN
    >>> window(SkipCNN(widths=(4,)), Spec("features", 100.0, 1, 8))  # two frames to either side of the pooled pair
    Window(first=-2, last=3)
    """
    found, gated = _measured(encoder, spec)
    return None if gated else found


def _measured(encoder: Encoder, spec: Spec) -> tuple[Window | None, bool]:
    """What a frame in the middle of the maps hears, and whether gates look at the whole clip besides."""
    module = encoder.build(spec).double().eval()
    if any(isinstance(each, nn.RNNBase) for each in module.modules()):
        return None, False
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.requires_grad_(False).uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
    n, longest = 2 * encoder.shortest(spec) + 16 * module.stride, LONGEST_S * spec.rate_hz
    while True:
        ways = _Ways()
        values = _clip(spec, n).requires_grad_()
        with ways:
            maps = module(values, None).maps
        middle = maps.shape[-1] // 2
        (gradient,) = torch.autograd.grad(maps[..., middle].sum(), values)
        heard = (gradient != 0).flatten(0, -2).any(dim=0).nonzero()[:, 0]
        first, last = int(heard[0]), int(heard[-1])
        if first >= module.stride and last < n - module.stride:
            return Window(first - middle * module.stride, last - middle * module.stride), ways.gated
        if n > longest:
            return None, ways.gated
        n *= 2


def _on_meta(encoder: Encoder, spec: Spec) -> EncoderModule:
    with torch.device("meta"):
        return encoder.build(spec).eval()


def _clip(spec: Spec, n_frames: int, device: torch.device | None = None) -> Tensor:
    shape = (1, n_frames) if spec.domain == "wave" else (1, spec.n_channels, spec.n_bands, n_frames)
    return torch.ones(shape, dtype=torch.float32 if device else torch.float64, device=device)


class _StepsAtOnce(TorchFunctionMode):
    """Recurrent nets multiply all frames by their matrices at once, which makes as many products as one by one."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") not in ("gru", "lstm", "rnn_tanh", "rnn_relu"):
            return func(*args, **(kwargs or {}))
        values, states, weights = args[:3]
        for weight in weights:
            if weight.ndim == 2:
                F.linear(values.new_empty(*values.shape[:2], weight.shape[1]), weight)
        state = states if isinstance(states, Tensor) else states[0]
        n_ways = 2 if args[7] else 1
        heard = values.new_empty(*values.shape[:2], state.shape[-1] * n_ways)
        return heard, *([states] if isinstance(states, Tensor) else states)


class _Ways(TorchFunctionMode):
    """What a net computes, so changed that a gradient is zero only where there is no way from input to output.

    Convolutions and linear layers without groups give all their channels the same, so that wide nets cost little.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gated = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").rstrip("_")
        if name in _PASSED:
            return args[0]
        if name == "linear":
            return self._linear(*args, **kwargs)
        return _CHANGED.get(name, func)(*args, **kwargs)

    def _linear(self, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if values.ndim == 2 and len(values) == 1:  # one vector for the clip: part of a gate
            self.gated = True
            return values.new_ones(1, len(weight))
        return values.mean(dim=-1, keepdim=True).expand(*values.shape[:-1], len(weight))


def _convolution(
    values: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    convolve: Callable[..., Tensor] = F.conv2d if weight.ndim == 4 else F.conv1d
    if groups > 1:
        return convolve(values, torch.ones_like(weight) / weight[0].numel(), None, stride, padding, dilation, groups)
    kernel = torch.ones_like(weight[:1, :1]) / weight[0, 0].numel()
    found = convolve(values.mean(dim=1, keepdim=True), kernel, None, stride, padding, dilation)
    return found.expand(-1, len(weight), *found.shape[2:])


def _pool(
    values: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    pool: Callable[..., Tensor] = F.avg_pool2d if values.ndim == 4 else F.avg_pool1d
    return pool(values, kernel_size, stride, padding, ceil_mode)


def _attention(query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> Tensor:
    """Every query hears every key alike."""
    return (value.mean(dim=-2, keepdim=True) + key.mean(dim=(-2, -1), keepdim=True)).expand(
        *query.shape[:-1], value.shape[-1]
    )


_PASSED = {
    *("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"),
    *("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "hardswish", "hardtanh", "softplus"),
    *("sigmoid", "hardsigmoid", "tanh"),
}
_CHANGED: dict[str, Callable[..., Any]] = {
    "conv1d": _convolution,
    "conv2d": _convolution,
    "max_pool1d": _pool,
    "max_pool2d": _pool,
    "scaled_dot_product_attention": _attention,
}
