"""Weights from elsewhere: which tensor becomes which, what does not fit and why, and classes moved by their names.

Names are those of a network's state: ``encoder.blocks.0...`` and ``heads.main...``. Nothing is taken that does not fit
exactly; what a network lacks then stays as it was built. Whether logits were trained under a softmax or under sigmoids
is no part of the weights, so a net of either kind starts a net of the other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.settings import Incidental, Settings

_SHOWN = 6


def _patterns(rules: dict[str, str | None]) -> dict[str, str | None]:
    for pattern, name in rules.items():
        try:
            re.sub(pattern, name or "", "")
        except (re.error, IndexError) as error:
            raise ValueError(f"'{pattern}: {name}' is no rule for names ({error})") from None
    return rules


class Start(Settings):
    """Begin with the weights of another training instead of random ones.

    They are part of what names a run, so they must be there whenever it is started again.
    """

    weights: Annotated[str, Incidental()]
    """A run's folder, a folder with one run a fold (the one of the same fold is taken), a checkpoint or snapshot of a
    run, or any other .safetensors file."""
    map: Annotated[dict[str, str | None], AfterValidator(_patterns)] = {}
    """New names for tensors: regular expressions for how a name begins, and what stands there instead, in which \\1 is
    the first group. The first rule that fits is the one; null leaves the tensor out."""
    heads: Literal["keep", "fresh"] | dict[str, str] = "keep"
    """``keep``: each head starts from the one of its name; ``fresh``: none does; or, for heads that shall, the name of
    the one they start from: ``{main: main, noisy: main}``."""
    strict: Literal["all", "encoder", "none"] = "encoder"
    """What must fit: all that is there and here, the whole encoder, or whatever does."""
    leak: bool = False
    """Whether to go on though the weights have learnt from clips that are to judge them; this is then noted."""


@dataclass(frozen=True)
class Fitting:
    """What became of weights from elsewhere, by the names of tensors."""

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    """In the network, but not among the weights; as built."""
    left_over: tuple[str, ...]
    """Among the weights, but not in the network."""
    unfit: tuple[str, ...]
    """In both, but of different shapes: the name with both; as built."""
    fresh: tuple[str, ...] = ()
    """Of heads that are to start afresh."""
    new_classes: tuple[str, ...] = ()
    """Classes that the weights do not know; their rows are as built."""

    def lines(self) -> list[str]:
        """A short report."""
        found = [f"{len(self.taken)} tensors taken"]
        rest = (
            ("not among the weights", self.missing),
            ("left over", self.left_over),
            ("of another shape", self.unfit),
            ("of heads that start afresh", self.fresh),
            ("classes that the weights do not know", self.new_classes),
        )
        return found + [f"{len(names)} {what}: {_some(names)}" for what, names in rest if names]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def renamed(tensors: Mapping[str, Tensor], rules: Mapping[str, str | None]) -> dict[str, Tensor]:
    """Tensors under new names.

    >>> list(renamed({"net.a": torch.ones(1), "net.b": torch.ones(1)}, {"net.b": None, "net": "encoder"}))
    ['encoder.a']

    Raises:
        SettingsError: two tensors would have one name.
    """
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        new: str | None = name
        for pattern, replacement in rules.items():
            match = re.match(pattern, name)
            if match:
                new = None if replacement is None else match.expand(replacement) + name[match.end() :]
                break
        if new in found:
            raise SettingsError(f"model.start.map gives two tensors the name '{new}', the second was '{name}'; mend it")
        if new is not None:
            found[new] = value
    return found


@torch.no_grad()
def take(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    start: Start,
    *,
    by_class: Mapping[str, int],
    classes: Sequence[str],
    theirs: Sequence[str] | None,
) -> Fitting:
    """Put weights from elsewhere into a network, as far as they fit.

    Args:
        tensors: by the names of the state of the network that they come from.
        by_class: the tensors of the network that have a row for each class, and along which axis.
        classes: the vocabulary of the network.
        theirs: that of the weights; none if it is not known, and then it is taken for the same.

    Raises:
        SettingsError: nothing fits, or less than ``start.strict`` asks for; with all that does not.
    """
    there = renamed(tensors, start.map)
    taken, missing, unfit, fresh, used = [], [], [], [], set()
    for name, own in network.state_dict().items():
        source = _source_of(name, start)
        if source is None:
            fresh.append(name)
        elif source not in there:
            missing.append(name)
        else:
            used.add(source)
            axis = by_class.get(name) if theirs is not None else None
            if _put(own, there[source], axis, classes, theirs or ()):
                taken.append(name)
            else:
                unfit.append(f"{name} is {tuple(there[source].shape)} there and {tuple(own.shape)} here")
    moved = any(name in by_class for name in taken) and theirs is not None
    new = tuple(name for name in classes if name not in (theirs or ())) if moved else ()
    left_over = tuple(name for name in there if name not in used)
    fitting = Fitting(tuple(taken), tuple(missing), left_over, tuple(unfit), tuple(fresh), new)
    _must_suffice(fitting, start)
    return fitting


def _source_of(name: str, start: Start) -> str | None:
    """The name among the weights for a tensor of the network; none if it is to start afresh."""
    part, _, rest = name.partition(".")
    if part != "heads" or start.heads == "keep":
        return name
    head, _, rest = rest.partition(".")
    if start.heads == "fresh" or head not in start.heads:
        return None
    return f"heads.{start.heads[head]}.{rest}"


def _put(own: Tensor, there: Tensor, axis: int | None, classes: Sequence[str], theirs: Sequence[str]) -> bool:
    """Copy a tensor, class by class along an axis if there is one; false if it does not fit."""
    if axis is None:
        if own.shape == there.shape:
            own.copy_(there)
        return own.shape == there.shape
    wanted = list(own.shape)
    wanted[axis] = len(theirs)
    if list(there.shape) != wanted:
        return False
    pairs = [(here, theirs.index(name)) for here, name in enumerate(classes) if name in theirs]
    if pairs:
        here, away = torch.tensor(pairs, device=own.device).T
        own.index_copy_(axis, here, there.to(own).index_select(axis, away))
    return True


def _must_suffice(fitting: Fitting, start: Start) -> None:
    lacking = [*fitting.missing, *fitting.unfit]
    if start.strict == "encoder":
        lacking = [each for each in lacking if each.startswith("encoder.")]
    elif start.strict == "all":
        kept = start.heads == "keep"
        lacking += [name for name in fitting.left_over if kept or not name.startswith("heads.")]
    if not fitting.taken or (lacking and start.strict != "none"):
        wanted = {"all": "all of it", "encoder": "the whole encoder", "none": "anything"}[start.strict]
        raise SettingsError(
            f"{wanted} was to start from '{start.weights}', but not {'a' if not fitting.taken else 'every'} tensor "
            "fits; say in model.start.map how names differ, take the settings of the net that the weights are of, or "
            "ask for less with model.start.strict:",
            fitting.lines(),
        )
