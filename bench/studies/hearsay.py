"""What the noisy part is good for: each way of learning from it alone, all with the same time to learn.

Unless an arm says otherwise every step has a batch of curated clips, learnt as in the first arm, and one half as large
of noisy clips, whose part of the objective is what the arm is about. So at least a third of the time goes to noisy
clips; in ``noisy as given`` and ``a third noisy`` both kinds are in the same batches.
"""

from __future__ import annotations

from bench.studies.arm import ALL_FOLDS, Arm, Study

SHORT, LONG = "two_minutes", "nine_minutes"
"""Where studies of noisy clips keep their fits, by their budgets."""
SHORT_S, LONG_S = 120.0, 540.0
STREAM = "{origins: {noisy: 1}, batch_size: 8, crop: {length_s: 2.0, short: repeat}}"
_SUPERVISED = "kind: supervised"

ALONE = Arm("curated only", "small")


def _beside(name: str, term: str, weight: float = 1.0, *changes: str, guesses: bool = False) -> Arm:
    """An arm with a part of the objective for noisy clips."""
    part = f"objective.hearsay={{streams: [noisy], weight: {weight:g}, term: {{{term}}}}}"
    stream = f"streams.noisy={STREAM}"
    return Arm(name, "small", (stream, *changes, part), ALONE if guesses else None, guesses)


def _guessed(name: str, settings: str, weight: float = 1.0) -> Arm:
    guesses = "guesses: {file: '{before}/predictions/noisy.parquet'}"
    return _beside(name, f"kind: pseudo_labels, {guesses}, {settings}", weight, guesses=True)


def _after(name: str, before: Arm) -> Arm:
    """Curated clips with half of the time, from weights that had the other half."""
    start = ("model.start={weights: '{before}', heads: keep}", "training.optimizer.lr=0.0015")
    return Arm(name, "small", start, before, share=0.5)


_ONE_STREAM = "streams.curated.origins={curated: 628, noisy: 1685}"
_A_THIRD = "streams.curated.origins={curated: 7, noisy: 3}"
_NOISY_HEAD = "model.heads.noisy={kind: mean_max, prior: 0.03}"
_STATISTICS = "training.statistics_from=all"
_NOISY_ALONE = Arm("noisy only", "small", ("streams.curated.origins={noisy: 1}",), share=0.5)


def _unlabelled(kind: str) -> Arm:
    """All clips and no label."""
    part = f"objective={{ahead: {{streams: [curated], term: {{kind: {kind}}}}}}}"
    return Arm(f"{kind} only", "small", (_ONE_STREAM, part), share=0.5)


AS_GIVEN = _beside("labels", _SUPERVISED)
AMONG = Arm("a third noisy", "small", (_A_THIRD,))
"""Three clips in ten are noisy, in the same batches: as many clips a second as curated ones alone."""

TERMS = (
    ALONE,
    Arm("noisy as given", "small", (_ONE_STREAM,)),
    AMONG,
    AS_GIVEN,
    _beside("labels, statistics of both", _SUPERVISED, 1.0, _STATISTICS),
    _beside("labels, a head of their own", f"{_SUPERVISED}, head: noisy", 1.0, _NOISY_HEAD),
    _beside("labels, L_q", f"{_SUPERVISED}, loss: {{kind: lq}}"),
    _beside("labels, soft bootstrap", f"{_SUPERVISED}, loss: {{kind: soft_bootstrap}}"),
    _beside("labels, outliers dropped", f"{_SUPERVISED}, outliers: {{share_of_max: 0.6, from_epoch: 10}}"),
    _beside("labels, missing ones ignored", f"{_SUPERVISED}, missing: {{share: 0.02, from_epoch: 5}}"),
    _beside("refurbished labels", "kind: refurbish, from_epoch: 10"),
    _beside("co-teaching", "kind: co_teaching, forget: 0.4"),
    _beside("consistency", "kind: consistency", 10.0),
    _beside("mean teacher", "kind: mean_teacher", 10.0),
    _beside("VAT", "kind: vat", 1.0),
    Arm(
        "MixMatch",
        "small",
        (f"streams.noisy={STREAM}", "objective.labels={streams: [curated, noisy], term: {kind: mixmatch}}"),
    ),
    _beside("FixMatch", "kind: fixmatch", 1.0),
    _guessed("hard pseudo labels", "sharpening: {kind: hard}, loss: {kind: bce}"),
    _guessed("soft pseudo labels", "sharpening: null, loss: {kind: bce}"),
    _guessed("soft pseudo labels, squared, sum to one", "sharpening: {kind: power, sum_to_one: true}", 20.0),
    _after("noisy first", _NOISY_ALONE),
    _after("CPC first", _unlabelled("cpc")),
    _after("APC first", _unlabelled("apc")),
)

STUDIES = {
    "hearsay": Study(TERMS, ("1", "3"), (1, 2), folder=SHORT, budget_s=SHORT_S),
    "hearsay_alone": Study((ALONE,), ALL_FOLDS, folder=SHORT, budget_s=SHORT_S),
}
