"""The system of ex4sperans, third at Kaggle: choose the noisy clips that agree best with the guesses, and train again.

R. Akhmetov, https://github.com/ex4sperans/freesound-classification (2019)
"""

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan

_RECIPE = "select_and_retrain"
_WITH_NOISY = (
    "model.encoder.blocks=6",
    "model.heads.main.dropout=0.7",
    "training.epochs=150",
    "training.augment_epochs=140",
    "streams.curated.origins={curated: 1, noisy: 1}",
    "streams.curated.sampling=once",
)


class SelectAndRetrain(System, kind="select_and_retrain"):
    """Train on curated clips, choose the noisy clips whose labels agree best with the guesses, train on both, and so on
    with more of them (R. Akhmetov, 2019).

    Each round judges the labels as they were given, by the guesses of the last round's models that have not learnt from
    the clip; where all have, by those of the round before. (The source took the mean of all models, those that had
    learnt from the clip among them, which then vote for what they were told.)

    The source stopped at 5000 clips and went on with predictions in place of the other labels: ``predicted``.
    """

    clips: tuple[int, ...] = Field((1000, 2000, 3000, 4000, 5000), min_length=1)
    """How many noisy clips are chosen in each round."""
    of: int | None = Field(19815, ge=1)
    """Of how many noisy clips these numbers are; with other data they become as large a share. Null takes them as they
    are."""
    per_class: int | None = Field(None, ge=1)
    """Most clips with each label; null, as in the source, takes the best whatever they are labelled."""
    share_noisy: bool | None = False
    """As in rule scoring: whether every fold's model learns from all chosen clips, or, as in the source, only from
    those of its own fold; null lets each learn from all but those of its own. Without folds all are learnt from."""
    predicted: bool = False
    """Whether a last round gives all other clips the labels that are guessed."""

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if list(self.clips) != sorted(set(self.clips)) or self.clips[0] < 1:
            raise ValueError(f"clips must be numbers above 0 that rise from round to round, got {list(self.clips)}")
        return self

    def outline(self, plan: "Plan") -> None:
        from earmark.cleaning.rules.scoring import Scoring
        from earmark.cleaning.rules.select_and_predict import SelectAndPredict

        share = None if plan.fold == "none" else self.share_noisy
        model, guesses = plan.train("curated", _RECIPE), None
        for number, k in enumerate(self._numbers(plan.n_clips("noisy")), start=1):
            guesses = plan.guess(f"guess-{number}", by=model, otherwise=guesses)
            rule = Scoring(k=k, per_class=self.per_class, share_noisy=share)
            chosen = plan.clean(f"choose-{number}", rule, guesses)
            model = plan.train(f"round-{number}", _RECIPE, labels=chosen, changes=_WITH_NOISY)
        if self.predicted:
            guesses = plan.guess("guess-rest", by=model, otherwise=guesses)
            last = SelectAndPredict(k=k, per_class=self.per_class, share_noisy=share)
            chosen = plan.clean("predict-labels", last, guesses)
            plan.train("predicted", _RECIPE, labels=chosen, changes=_WITH_NOISY)

    def _numbers(self, n_noisy: int) -> list[int]:
        """How many clips are chosen in each round, of so many."""
        share = 1.0 if self.of is None else n_noisy / self.of
        return [max(1, round(k * share)) for k in self.clips]
