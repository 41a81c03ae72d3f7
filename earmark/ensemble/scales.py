"""What several scores of one (clip, class) are mixed as, and the mixture.

    probability       the mean of chances: a model that is sure of a class has its way
    log_probability   the geometric mean of chances: a model that is sure against a class has its way
    logit             the mean of log-odds, which is the geometric mean of odds: both have
    rank              the mean of places within the clip, which hears no model louder than another
    standardised      the mean of logits that have mean 0 and standard deviation 1 within the clip, brought back to the
                      mean level and spread: for models whose losses fix neither, such as ranking losses

Sources average as they like (sigmoids: Akiyama & Sato 2019; places, at will: ex4sperans 2019; geometric means: Baikulov
2019), and lwlrap can tell them apart, since they order the classes of a clip differently. Every mixture but that of
ranks is given as log-odds: the mean of chances too is worked out in logarithms, because a chance that rounds to 1 makes
ties, and ties cost points. (Where models that are certain contradict one another it ties all the same: two of three is
2/3, however certain.) Arrays are [members, clips, classes]; weights are one a member and sum to 1.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, logsumexp
from scipy.stats import rankdata

from earmark.core.errors import DataError
from earmark.core.predictions import Link
from earmark.ensemble.members import Members

Scale = Literal["probability", "log_probability", "logit", "rank", "standardised"]


class Mixture(NamedTuple):
    """Scores of the ensemble, and what they are."""

    scores: Float64[np.ndarray, "clips classes"]
    link: Link


def mixed(members: Members, weights: NDArray[np.float64], scale: Scale) -> Mixture:
    """The weighted mean of the members on a scale, as log-odds (or as a mean of ranks).

    Raises:
        DataError: the members are ranks, and the scale is another one.
    """
    if scale == "rank":
        return Mixture(tied(np.tensordot(weights, ranks(members), 1)), "rank")
    if scale in ("logit", "standardised"):
        logits = log_odds(members)
        if scale == "logit":
            return Mixture(np.tensordot(weights, logits, 1), "logit")
        level, spread = _within_clips(logits)
        standard = np.tensordot(weights, (logits - level) / spread, 1)
        return Mixture(standard * np.tensordot(weights, spread, 1) + np.tensordot(weights, level, 1), "logit")
    log_p, log_q = log_chances(members)
    if scale == "log_probability":
        mean = np.tensordot(weights, log_p, 1)
        return Mixture(mean - np.log(np.maximum(-np.expm1(mean), np.finfo(np.float64).tiny)), "logit")
    taken = weights > 0
    share = weights[taken, None, None]
    return Mixture(
        np.asarray(logsumexp(log_p[taken], axis=0, b=share) - logsumexp(log_q[taken], axis=0, b=share)), "logit"
    )


def linear(members: Members, scale: Scale) -> Float64[np.ndarray, "members clips classes"]:
    """Values whose weighted sum orders the classes of a clip as `mixed` does: what weights are searched on."""
    if scale == "rank":
        return ranks(members)
    if scale == "log_probability":
        return log_chances(members)[0]
    logits = log_odds(members)
    if scale == "probability":
        return np.asarray(expit(logits))
    if scale == "standardised":
        level, spread = _within_clips(logits)
        return np.asarray((logits - level) / spread)
    return logits


def tied(mean_ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ranks among which equal ones are equal: sums of the same places in another order differ in the last bit."""
    return np.round(mean_ranks, 12)


def ranks(members: Members) -> Float64[np.ndarray, "members clips classes"]:
    """Places within the clip in (0, 1], the highest for the best; equal scores share the mean of their places."""
    return np.asarray(rankdata(members.scores, axis=2) / members.scores.shape[2])


def log_odds(members: Members) -> Float64[np.ndarray, "members clips classes"]:
    """Log-odds of every score.

    Raises:
        DataError: the members are ranks.
    """
    if members.link == "logit":
        return members.scores
    log_p, log_q = log_chances(members)
    return log_p - log_q


def log_chances(members: Members) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of every chance and of its opposite, all finite.

    Raises:
        DataError: the members are ranks.
    """
    if members.link == "logit":
        return np.asarray(log_expit(members.scores)), np.asarray(log_expit(-members.scores))
    tiny = np.finfo(np.float64).tiny
    if members.link == "probability":
        return np.log(np.maximum(members.scores, tiny)), np.log(np.maximum(1 - members.scores, tiny))
    if members.link == "softmax_logit":
        log_p = np.asarray(log_softmax(members.scores, axis=2))
        return log_p, np.log(np.maximum(-np.expm1(log_p), tiny))
    raise DataError(
        "the members are ranks within their clips, which are no chances; mix them as ranks (--how rank, or scale: rank)"
    )


def _within_clips(logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each row, [members, clips, 1]; a row of equal scores keeps them equal."""
    spread = logits.std(axis=2, keepdims=True)
    return logits.mean(axis=2, keepdims=True), np.where(spread > 0, spread, 1.0)
