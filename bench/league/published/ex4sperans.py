"""What R. Akhmetov (ex4sperans, 2019) says that parts of his nets gained; he gives no scores."""

from __future__ import annotations

from bench.league.published.table import Published, Told

_ALL = "ex4sperans"
_NET = (_ALL, "2d")


def _variant(name: str) -> tuple[str, str]:
    return f"{_ALL}-{name}", f"{_ALL}-{name}"


GAINS = Published(
    "Gains",
    "R. Akhmetov (2019)",
    "Published: the author's estimates from his folds, the first of them a lower bound. Ours: his second command with "
    "and without, for as many epochs; the recurrent net and the one with a maximum learn from the same chosen clips. "
    "The net over time alone spends half of its steps on curated and noisy clips without labels, or all on curated "
    "ones.",
    (
        Told("a map of the frequency as a second channel", _NET, _variant("no-map"), gain=0.005),
        Told("the ranking loss for binary cross-entropy", _NET, _variant("bce"), gain=0.015),
        Told("mixtures with all labels, and effects", _NET, _variant("plain"), gain=0.05),
        Told("labels mixed by shares", _variant("shares"), _NET, words="worse", sign=-1),
        Told("chunks in another order", _variant("shuffled"), _NET, words="no gain", sign=0),
        Told("parts replaced by silence", _variant("silenced"), _NET, words="no gain", sign=0),
        Told(
            "predictive coding first (CPC), over time alone",
            (f"{_ALL}-cpc", "1d"),
            (_ALL, "1d"),
            words="never good results",
            sign=0,
        ),
        Told(
            "a recurrent net for the maximum",
            (_ALL, "2d-recurrent"),
            (_ALL, "2d-round-5"),
            words="slightly worse",
            sign=-1,
        ),
    ),
)
