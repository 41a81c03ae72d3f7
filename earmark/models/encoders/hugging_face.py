"""Audio encoders of the library ``transformers``, with or without published weights; so far AST (Y. Gong et al., 2021).

An AST hears windows of one length. A clip is cut into windows that overlap so far that the columns of patches go on
evenly from one to the next, and the last window is filled up with zeros, as its authors fill up short clips. So a clip
of any length, heard alone or in a batch, goes through the very same windows. The maps are those patches that lie
wholly in the signal; patches of a window hear one another and the zeros, patches of different windows do not.

An AST wants log-mel frames of 10 ms with 128 bands, normalised so that the training data have mean 0 and standard
deviation 0.5. That is the view's to give.

The library is imported when a net is built, never before; weights come from the hub or a folder when a training
begins (`HuggingFaceModule.fetch`), never when a tagger is loaded, which brings its own.
"""

import importlib
from typing import Any, Literal

import torch
from pydantic import model_validator
from torch import Tensor
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.settings import nearest
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.masks import masked, strided

_SHAPE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "patch_size": 16,
    "frequency_stride": 10,
    "time_stride": 10,
    "max_length": 1024,
    "num_mel_bins": 128,
}
"""What the published AST is; ``config`` changes it. Weights must be of a net that agrees in all of these."""


class HuggingFace(Encoder, kind="hugging_face"):
    """An Audio Spectrogram Transformer of ``transformers``; needs ``pip install 'earmark[pretrained]'``."""

    model: str | None = None
    """Where weights come from: a name on the hub, which is downloaded unless it was before, or a folder; null starts
    from random ones."""
    revision: str | None = None
    """Which version of that name; null takes the newest."""
    config: dict[str, Any] = {}
    """Changes to the configuration of the AST, by the names that ``transformers`` has for them."""
    frozen: bool = False
    """Whether its weights stay as they are, and only heads learn; it then hears without dropout."""
    maps: Literal["patches", "windows"] = "patches"
    """Every patch on its grid [freq, time]; or one frame a window, the mean of AST's two tokens for the whole."""

    @model_validator(mode="after")
    def _makes_patches(self) -> "HuggingFace":
        for name in _SHAPE:
            if not isinstance(self._of(name), int) or self._of(name) < 1:
                raise ValueError(f"{name} in config is a whole number from 1 on, got {self._of(name)!r}")
        if self._of("patch_size") > min(self._of("num_mel_bins"), self._of("max_length")):
            raise ValueError(
                f"patches of {self._of('patch_size')} do not fit into {self._of('num_mel_bins')} bands and "
                f"{self._of('max_length')} frames; change patch_size, num_mel_bins or max_length in config"
            )
        return self

    def _of(self, name: str) -> Any:
        return self.config.get(name, _SHAPE[name])

    @property
    def external(self) -> tuple[str, ...]:
        return () if self.model is None else (f"published weights '{self.model}' ({self.revision or 'newest'})",)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patches of a window."""
        rows = (self._of("num_mel_bins") - self._of("patch_size")) // self._of("frequency_stride") + 1
        return rows, (self._of("max_length") - self._of("patch_size")) // self._of("time_stride") + 1

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if (spec.n_channels, spec.n_bands) != (1, self._of("num_mel_bins")):
            raise SettingsError(
                f"encoder 'hugging_face' hears 1 channel of {self._of('num_mel_bins')} bands, but the view gives "
                f"{spec.n_channels} of {spec.n_bands}; change the view, or num_mel_bins in config"
            )

    def shortest(self, spec: Spec) -> int:
        return int(self._of("patch_size"))

    def build(self, spec: Spec) -> "HuggingFaceModule":
        self.check(spec)
        return HuggingFaceModule(self)


class HuggingFaceModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: HuggingFace) -> None:
        super().__init__()
        self.settings = settings
        library = _transformers()
        for name in settings.config:
            if not hasattr(library.ASTConfig(), name):
                raise SettingsError(f"an AST has no setting '{name}' in its config; {nearest(name, _names(library))}")
        try:
            self.net = library.ASTModel(library.ASTConfig(**_SHAPE | settings.config))
        except Exception as error:  # the library has many ways of refusing a configuration
            raise SettingsError(f"transformers refuses the config of encoder 'hugging_face': {error}") from None
        self.n_channels = settings._of("hidden_size")
        self.rows, self.columns = settings.grid
        self.patch = settings._of("patch_size")
        self.window, self.step = settings._of("max_length"), self.columns * settings._of("time_stride")
        whole = settings.maps == "windows"
        self.n_bands, self.stride = (1, self.step) if whole else (self.rows, settings._of("time_stride"))
        if settings.frozen:
            self.net.requires_grad_(False)

    def fetch(self) -> None:
        """Take the weights that the settings name; does nothing where they name none.

        Raises:
            SettingsError: they cannot be had, or are of another net.
        """
        name = self.settings.model
        if name is None:
            return
        try:
            there = _transformers().ASTModel.from_pretrained(name, revision=self.settings.revision or "main")
        except (OSError, ValueError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise SettingsError(f"the weights '{name}' of encoder 'hugging_face' cannot be had: {said}") from None
        own, other = self.net.config, there.config
        unlike = [f"{key} {getattr(other, key)}" for key in _SHAPE if getattr(own, key) != getattr(other, key)]
        if unlike:
            raise SettingsError(
                f"the weights '{name}' are of a net with {', '.join(unlike)}; say so in encoder.config, or name others"
            )
        self.net.load_state_dict(there.state_dict())

    def train(self, mode: bool = True) -> "HuggingFaceModule":
        """Switch to training; a frozen net stays as in use."""
        super().train(mode)
        if self.settings.frozen:
            self.net.eval()
        return self

    def forward(self, values: Tensor, lengths: Tensor | None) -> Encoded:
        n_patches = (values.shape[3] - self.patch) // self.settings._of("time_stride") + 1
        n, n_windows = len(values), -(-n_patches // self.columns)
        frames = F.pad(values[:, 0], (0, (n_windows - 1) * self.step + self.window - values.shape[3]))
        windows = frames.unfold(2, self.window, self.step).permute(0, 2, 3, 1).flatten(0, 1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.settings.frozen):
            heard = self.net(windows)
        lengths = strided(lengths, self.patch, self.settings._of("time_stride"))
        if self.settings.maps == "windows":
            lengths = strided(lengths, 1, self.columns)
            maps = heard.pooler_output.view(n, n_windows, 1, -1).permute(0, 3, 2, 1)
        else:
            patches = heard.last_hidden_state[:, 2:].reshape(n, n_windows, self.rows, self.columns, -1)
            maps = patches.permute(0, 4, 2, 1, 3).flatten(3)[..., :n_patches]
        return Encoded(masked(maps, lengths), lengths)


def _names(library: Any) -> list[str]:
    """What can be set in a configuration."""
    return [name for name in library.ASTConfig().to_dict() if not name.startswith("_")]


def _transformers() -> Any:
    """The library, or how to get it."""
    try:
        return importlib.import_module("transformers")
    except ImportError:
        raise SettingsError(
            "encoder 'hugging_face' needs the library transformers, which is not installed; "
            "run pip install 'earmark[pretrained]', or choose another encoder"
        ) from None
