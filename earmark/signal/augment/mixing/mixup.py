"""Two clips in one."""

from typing import NamedTuple

import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.signal.augment.mixing.labels import Labels, labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along
from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.share import Share


class MixupNumbers(NamedTuple):
    """The share that each clip keeps itself."""

    share: Tensor


class Mixup(Mixing, kind="mixup"):
    """``share · clip + (1 - share) · partner`` (H. Zhang et al., 2018).

    It mixes whatever it is given: waves, power or features, the latter being no sum of sounds. The mixture is as long
    as the longer of the two; origin and id stay those of the clip.
    """

    share: Share = Beta()
    """How much of itself a clip keeps."""
    labels: Labels = "linear"
    """Targets mixed like the sound, or present wherever either clip has them (whoever hears both tags both)."""

    def numbers(self, n: int, chance: torch.Generator) -> MixupNumbers:
        return MixupNumbers(self.share.draw(n, chance))

    def mixed(self, own: Batch, mate: Batch, numbers: MixupNumbers) -> Batch:
        share = along(numbers.share.to(own.values.dtype), own.values)
        return own.changed(
            values=torch.lerp(mate.values, own.values, share),
            lengths=torch.maximum(own.lengths, mate.lengths),
            **labels_of(own, mate, self.labels, numbers.share),
        )
