"""Where a training runs and in which arithmetic: what was asked for against what is there."""

from __future__ import annotations

import atexit
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from earmark.core.errors import SettingsError
from earmark.dsp.precision import has_bfloat16, precision_named

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from earmark.training.settings import TrainingSettings

__all__ = ["device_named", "fabric_for", "has_bfloat16", "precision_named"]

_PATIENCE = timedelta(hours=12)
"""How long processes wait for the first of them, which alone predicts, cleans and blends."""


def device_named(asked: str) -> torch.device:
    """The device that was asked for.

    Raises:
        SettingsError: it is not there; which ones are.
    """
    here = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    if asked == "auto":
        return torch.device(here[-1])
    if asked not in here:
        raise SettingsError(
            f"device '{asked}' was asked for, but this machine has {' and '.join(here)}; use one of these, or 'auto'"
        )
    return torch.device(asked)


def fabric_for(settings: TrainingSettings) -> Fabric:
    """Lightning Fabric for these settings, launched: devices, precision and processes are its business.

    With more than one device or node the processes run from here on side by side, one a device.

    Raises:
        SettingsError: the device is not there, or there are fewer of them than asked for.
    """
    import logging

    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces what we say ourselves
    device = device_named(settings.device)
    precision = precision_named(settings.precision, device)
    n_here = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type != "cpu" and settings.devices > n_here:
        raise SettingsError(
            f"training.devices asks for {settings.devices} devices, but this machine has {n_here} of kind "
            f"'{device.type}'; ask for at most as many"
        )
    n_processes = settings.devices * settings.nodes
    fabric = Fabric(
        accelerator={"cpu": "cpu", "cuda": "cuda", "mps": "mps"}[device.type],
        devices=settings.devices,
        num_nodes=settings.nodes,
        # While the weight of a part is 0, as where a ramp begins, nothing of its head has a gradient, which processes
        # would wait for in vain.
        strategy=DDPStrategy(find_unused_parameters=True, timeout=_PATIENCE) if n_processes > 1 else "auto",
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
    )
    fabric.launch()
    if n_processes > 1:
        atexit.register(_part)
    return fabric


def _part() -> None:
    """Leave the other processes before Python ends.

    Threads that still serve them then are torn down with it, which can end a process that had done all its work with
    an abort. Lightning leaves by itself only where devices speak NCCL.
    """
    import torch.distributed as together

    if together.is_initialized():
        together.destroy_process_group()
