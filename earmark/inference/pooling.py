"""How the logits of several takes of one clip become the clip's.

Arrays are [takes, classes]; whatever scale is averaged on, what comes out are logits again, worked out without ever
rounding a probability to 0 or 1, so that no two classes tie that did not tie before. A single take stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax, logsumexp

Pool = Literal["mean", "probability", "geometric", "softmax", "max"]
"""What is pooled: ``mean`` the logits; ``probability`` the probabilities; ``geometric`` the probabilities by their
geometric mean; ``softmax`` the shares of a softmax over the classes, for networks that were trained on one (what comes
out are the logarithms of these); ``max`` the highest logit of each class."""


def pooled(logits: NDArray[np.float32], pool: Pool, weights: Sequence[float] | None = None) -> NDArray[np.float32]:
    """The logits of a clip, [classes].

    Args:
        logits: those of its takes, [takes, classes], at least one.
        pool: what is averaged; see `Pool`.
        weights: of the takes, in any unit; all the same without. The maximum knows no weights.

    >>> pooled(np.log([[1.0], [3.0]]), "mean").round(3)
    array([0.549], dtype=float32)
    >>> pooled(np.log([[1.0], [3.0]]), "probability").round(3)  # of 1/2 and 3/4: 5/8, odds 5 to 3
    array([0.511], dtype=float32)
    """
    if len(logits) == 1:
        return np.asarray(logits[0], dtype=np.float32)
    if pool == "max":
        return np.asarray(logits.max(axis=0), dtype=np.float32)
    z = logits.astype(np.float64)
    share = np.full(len(z), 1 / len(z)) if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    share = share[:, None]
    if pool == "mean":
        found = (share * z).sum(axis=0)
    elif pool == "probability":
        found = logsumexp(log_expit(z), axis=0, b=share) - logsumexp(log_expit(-z), axis=0, b=share)
    elif pool == "geometric":
        # Never quite certain: the logarithm of 1 - p must stay finite.
        log_p = np.minimum((share * log_expit(z)).sum(axis=0), -np.finfo(np.float64).tiny)
        found = log_p - np.log(-np.expm1(log_p))
    else:
        found = logsumexp(log_softmax(z, axis=1), axis=0, b=share)
    return np.asarray(found, dtype=np.float32)
