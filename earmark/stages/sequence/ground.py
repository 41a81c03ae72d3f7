"""What all stages of a sequence stand on: the clips, their folds, the packed audio, the device, and who is told.

Clips are read once and packed once for each way of packing that the recipes ask for. Folds belong to the sequence, not
to its recipes: all stages hold out the same clips.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from earmark.core.errors import SettingsError
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds
from earmark.data.pack_settings import PackSettings
from earmark.data.packing import PackReport
from earmark.data.sources.source import Source
from earmark.stages.fold_choice import NONE, turns
from earmark.stages.prepare import Prepared, folds_for, packed, prepare, read_manifest, said
from earmark.stages.show import Show, Silent
from earmark.training.devices import device_named, fabric_for
from earmark.training.settings import TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_T = TypeVar("_T")


class Ground:
    """Where a sequence works."""

    def __init__(
        self,
        data: Path,
        *,
        store: Path | None = None,
        source: Source | None = None,
        folds: Folds | None = None,
        seed: int = 1,
        device: str = "auto",
        show: Show | None = None,
        reports: bool = False,
    ) -> None:
        """Note what there is; nothing is read yet.

        Args:
            data: the data folder.
            store: where the packed audio lies; where recipes pack in several ways, the folder of their stores.
            source: how the data folder is laid out; none finds out by looking.
            folds: how the training part is split; none takes the folds that the data give, else stratified ones.
            seed: of stratified folds that nobody described.
            device: ``cpu``, ``cuda``, ``mps`` or ``auto``; it takes the place of what recipes say.
            reports: whether each training leaves a page about itself.
        """
        self.data, self.source, self.device, self.reports = data.resolve(), source, device, reports
        self.show: Show = Silent() if show is None else show
        self._store, self._folds, self._seed = store, folds, seed
        self._prepared: dict[PackSettings, Prepared] = {}
        self._fabrics: dict[str, Fabric] = {}
        self._several: Fabric | None = None
        self._ways: set[PackSettings] = set()
        self._folded: dict[PackSettings | None, Manifest] = {}
        self._names: dict[tuple[bool, PackSettings | None], str] = {}

    @cached_property
    def manifest(self) -> Manifest:
        """The clips of the data folder as they come."""
        return read_manifest(self.data, self.source)

    @cached_property
    def folds(self) -> Folds:
        """How the training part is split."""
        return folds_for(self.manifest, self._folds, self._seed)

    @cached_property
    def _split(self) -> dict[str, int]:
        return self.folds.split(self.manifest)

    def clips(self, fold: str, pack: PackSettings | None = None) -> Manifest:
        """The clips as a stage with this choice of a fold sees them; packed, with the seconds that are left of them."""
        manifest = self.manifest if pack is None else self.prepared(pack).manifest
        if fold == NONE:
            return manifest
        if pack not in self._folded:
            self._folded[pack] = manifest.folded(self._split)
        return self._folded[pack]

    def numbers(self, fold: str) -> list[int | None]:
        """The folds that are held out in turn."""
        return [None] if fold == NONE else turns(fold, self.clips(fold), self.folds)

    def expect(self, ways: set[PackSettings]) -> None:
        """Say in which ways recipes pack, so that several stores lie side by side."""
        self._ways = ways

    def prepared(self, pack: PackSettings) -> Prepared:
        """The clips as they were packed so."""
        if pack not in self._prepared:
            store = self._store
            if store is not None and len(self._ways) > 1:
                store = store / fingerprint(pack)[:8]
            self._prepared[pack] = prepare(self.data, pack, self.show, source=self.source, store=store)
            self._tell(self._prepared[pack].report)
        return self._prepared[pack]

    def name(self, fold: str, pack: PackSettings | None = None) -> str:
        """Names the clips, what is said of them, and, packed, how they sound."""
        key = fold == NONE, pack
        if key not in self._names:
            manifest = self.clips(fold)
            audio = None if pack is None else packed(manifest, self.prepared(pack).store)
            self._names[key] = fingerprint(said(manifest), audio)
        return self._names[key]

    @property
    def n_quarantined(self) -> int:
        """Files that could not be used, in whatever was packed so far."""
        return max((each.report.n_quarantined for each in self._prepared.values()), default=0)

    @property
    def torch_device(self) -> torch.device:
        """Where guesses are made."""
        return device_named(self.device)

    def fabric(self, training: TrainingSettings) -> Fabric:
        """Launched for these settings; trainings that ask for the same share one."""
        if training.precision not in self._fabrics:
            self._fabrics[training.precision] = fabric_for(training.model_copy(update={"device": self.device}))
        return self._fabrics[training.precision]

    def launch(self, trainings: Iterable[TrainingSettings]) -> None:
        """Start the processes that trainings ask for, one a device, which from here on work side by side.

        All of them learn; everything else is done by the first, which alone speaks, while the others wait for it.

        Raises:
            SettingsError: the trainings ask for several devices, and not all for as many.
        """
        by_number = {(each.devices, each.nodes): each for each in trainings}
        if len(by_number) > 1:
            said = " and ".join(f"{devices} on {nodes}" for devices, nodes in sorted(by_number))
            raise SettingsError(
                f"the trainings of a sequence share their processes, but ask for different numbers of devices (devices "
                f"on nodes: {said}); give all the same training.devices and training.nodes (--devices sets the first)"
            )
        for (devices, nodes), training in by_number.items():
            if devices * nodes > 1:
                self._several = self.fabric(training)
        if not self.is_first:
            self.show = Silent()

    @property
    def is_first(self) -> bool:
        """Whether this is the process that does what one alone can do."""
        return self._several is None or self._several.is_global_zero

    def told(self, value: _T) -> _T:
        """What the first process says, in all of them; they wait for one another here."""
        return value if self._several is None else self._several.broadcast(value)

    def _tell(self, report: PackReport) -> None:
        new = report.n_packed + report.n_changed
        self.show.say(
            f"{len(self.manifest)} clips of {len(self.manifest.classes)} classes in '{self.data}'; "
            + (f"{new} packed in {report.seconds:.0f} s" if new else "all packed before")
        )
        if report.n_quarantined:
            self.show.say(f"{report.n_quarantined} files are in quarantine and take no part")
