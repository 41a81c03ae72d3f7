"""Power in decibels."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from earmark.dsp.level import power_to_db
from earmark.signal.frontends.compression import Compression
from earmark.signal.step import Spec


class Decibel(Compression, kind="decibel"):
    """Power to decibels, within a fixed distance of each clip's loudest value.

    Magnitudes are squared first, so that decibels mean the same; amin and reference are powers. Loudest is meant over
    the signal frames of the clip alone, so padding and neighbours in the batch change nothing.
    """

    amin: Annotated[float, Field(gt=0)] = 1e-10
    """Power below this counts as this; it keeps silence finite."""
    top_db: Annotated[float, Field(gt=0)] | None = 80.0
    """Levels more than this below the loudest of the clip are raised to there; null leaves them."""
    reference: Annotated[float, Field(gt=0)] | Literal["peak"] = 1.0
    """The power that becomes 0 dB, or peak: the largest of each clip."""

    def __call__(self, values: Tensor, spec: Spec) -> Tensor:
        power = values.square() if spec.domain == "magnitude" else values
        return power_to_db(power, self.amin, self.top_db, self.reference)
