"""Checkpoints: one safetensors file each, tensors by name and facts as JSON in its header.

Nothing in a checkpoint can execute. The file is written beside its place and put there by one rename, so that a
checkpoint is either complete or absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from earmark.core.errors import RunError
from earmark.core.files import write_atomically

VERSION = 1


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint, or leave the one that is there as it was."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    header = {"earmark": json.dumps({**facts, "version": VERSION})}
    write_atomically(path, lambda place: save_file(plain, str(place), metadata=header))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote.

    Raises:
        RunError: there is no such file, it is not a checkpoint of earmark, or one of another version.
    """
    tensors, facts = read_tensors(path)
    if facts is None:
        raise RunError(f"'{path}' holds tensors but no facts of earmark; it was written by something else", path)
    return tensors, facts


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """The tensors of any .safetensors file, and the facts if it is a checkpoint of earmark.

    Raises:
        RunError: there is no such file, it is not readable, or a checkpoint of another version.
    """
    if not path.is_file():
        raise RunError(f"there is no checkpoint '{path}'; train first, or name another run", path)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            header = (file.metadata() or {}).get("earmark")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise RunError(f"'{path}' is not a readable checkpoint ({error}); restore it or train again", path) from None
    if header is None:
        return tensors, None
    try:
        facts = dict(json.loads(header))
    except (ValueError, TypeError) as error:
        raise RunError(f"the facts in '{path}' are damaged ({error}); restore it or train again", path) from None
    if facts.get("version") != VERSION:
        raise RunError(
            f"checkpoint '{path}' has version {facts.get('version')}, but this earmark reads version {VERSION}; "
            "use the earmark that wrote it, or train again",
            path,
        )
    return tensors, facts


def put_back(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load a module's state.

    Raises:
        RunError: the tensors are of another network; see `must_fit`.
    """
    must_fit(module.state_dict(), tensors)
    module.load_state_dict(tensors)


def must_fit(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not those of a state.

    Raises:
        RunError: a tensor is missing, left over or of another shape; the first by name, with both shapes.
    """
    for name in sorted(own.keys() ^ tensors.keys()):
        where = "is not in the checkpoint" if name in own else "is in the checkpoint but not in the network"
        raise RunError(f"the checkpoint is of another network: '{name}' {where}; use the recipe it was made with")
    for name, value in own.items():
        if value.shape != tensors[name].shape:
            raise RunError(
                f"the checkpoint is of another network: '{name}' is {tuple(tensors[name].shape)} there and "
                f"{tuple(value.shape)} here; use the recipe it was made with"
            )
