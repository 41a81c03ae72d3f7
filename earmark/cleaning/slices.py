"""Which fold's model learns from which doubtful clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.case import Case
from earmark.core.errors import SettingsError


def slices_of(case: Case, share_noisy: bool | None) -> NDArray[np.int64] | None:
    """[clips]: -1 where every model learns from the clip, else the one fold whose model does; none: as folds have it.

    Raises:
        SettingsError: each model is to have its own clips, but they are in no fold.
    """
    if share_noisy is None:
        return None
    if share_noisy:
        return np.full(len(case), -1, np.int64)
    if (case.folds < 0).any():
        raise SettingsError(
            f"share_noisy: false gives each fold's model its own clips, but {int((case.folds < 0).sum())} of "
            f"{len(case)} noisy clips are in no fold; use predictions of a training of each fold, or share them"
        )
    return case.folds
