"""The logarithm with an offset."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from earmark.dsp.level import log_offset
from earmark.signal.frontends.compression import Compression
from earmark.signal.step import Spec


class Log(Compression, kind="log"):
    """``log(x + offset)``, the natural logarithm: unlike decibels it depends on nothing but the value itself."""

    offset: Annotated[float, Field(gt=0)] = 1e-4
    """What is added first; it is the level below which everything counts as silence."""

    def __call__(self, values: Tensor, spec: Spec) -> Tensor:
        return log_offset(values, self.offset)
