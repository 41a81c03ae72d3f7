"""The system of ex4sperans, third at Kaggle: choose the noisy clips that agree best with the guesses, train again, and
average nets of several kinds.

R. Akhmetov, https://github.com/ex4sperans/freesound-classification (2019)
"""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.cleaning import Cleaning
    from earmark.stages.sequence.guessing import Guessing
    from earmark.stages.sequence.plan import Plan
    from earmark.stages.sequence.training import Training

_BASIC, _CURATED, _NOISY, _IN_TIME = "ex4sperans_basic", "ex4sperans_2d", "ex4sperans_2d_noisy", "ex4sperans_1d"
_BOTH = tuple(
    change
    for stream in ("clips", "partners")
    for change in (f"streams.{stream}.origins={{curated: 1, noisy: 1}}", f"streams.{stream}.sampling=once")
)
_LONGER = ("training.epochs=150", "training.augment_epochs=140")
_RECURRENT = (
    "model.heads.main={kind: recurrent, taps: true, bands: mean, layer_norm: true, units: 128, layers: 1, "
    "both_ways: true, input_norm: true, hidden: same, act: prelu, norm: before, dropout: 0.7}",
)
_SHUFFLED = ("view.0.p=0.5",)
_AS_RUN = ("view.1.mode=paste", "view.2.steps.3={kind: speed, p: 1.0, low: 0.9, high: 1.1}")


class Ex4sperans(System, kind="ex4sperans"):
    """Train on curated clips, choose the noisy clips whose labels agree best with the guesses, train on both, and so on
    with more of them; then average nets of several kinds (R. Akhmetov, 2019).

    Each round judges the labels as they were given, by the guesses of the last round's models that have not learnt from
    the clip; where all have, by those of the round before. (The source took the mean of all models, those that had
    learnt from the clip among them, which then vote for what they were told.) Beyond the last round, labels give way
    to predictions.

    The source averaged eleven models of some twenty: over spectrograms and over time alone, with a maximum or a
    recurrent net at the end, on several choices of noisy clips. It does not say which. With the defaults these are
    eleven too: the net on curated clips, one of each of five rounds, the one on predictions; and, on the clips of the
    last round, those with a recurrent end, over time alone, and both; and the one over time alone on curated clips.
    """

    command: Literal["basic_2d_cnn", "2d_cnn", "2d_cnn_noisy"] | None = None
    """Just what one of the three commands of the source's page does, the last with the clips of the first round, of
    which each fold's model learns from those of its own fold alone, for it does not ask to share them; null is
    everything, up to the ensemble."""
    clips: tuple[int, ...] = Field((1000, 2000, 3000, 4000, 5000), min_length=1)
    """How many noisy clips are chosen in each round."""
    of: int | None = Field(19815, ge=1)
    """Of how many noisy clips these numbers are; with other data they become as large a share. Null takes them as they
    are."""
    per_class: int | None = Field(None, ge=1)
    """Most clips with each label; null, as in the source, takes the best whatever they are labelled."""
    share_noisy: bool | None = True
    """As in rule scoring: whether every fold's model learns from all chosen clips, as the source's page has it, or only
    from those of its own fold, as with ``command`` in any case; null lets each learn from all but those of its own.
    Without folds all are learnt from."""
    predicted: bool = True
    """Whether a last round gives all other clips the labels that are guessed."""
    kinds: bool = True
    """Whether nets of other kinds are trained beside those of the rounds."""
    blend: Blend = Arithmetic()
    """How the models become one. The source ended with the plain mean; its program can also learn weights (cobyla)."""
    keep_best: bool = False
    """Keep the weights of each stage that score best on the held-out clips, which are heard after each epoch, as the
    source did: the held-out score is then too good. Without it the last ones are kept."""
    legacy: bool = False
    """What the source's program does otherwise than its page says: the shorter clip of a mixture takes the place of a
    stretch of the longer instead of being added, tempo is speed, which moves the pitch, chunks are shuffled wherever
    the net ends in a maximum, though the page says that this does not help, and of the chosen noisy clips each fold's
    model learns from those of its own fold alone, whatever share_noisy says: of 1000 clips, from 200."""

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if list(self.clips) != sorted(set(self.clips)) or self.clips[0] < 1:
            raise ValueError(f"clips must be numbers above 0 that rise from round to round, got {list(self.clips)}")
        return self

    def outline(self, plan: "Plan") -> None:
        if self.command == "basic_2d_cnn":
            plan.train("basic", _BASIC, changes=(*(_SHUFFLED if self.legacy else ()), *self._keeping(20)))
            return
        models = [plan.train("2d", _CURATED, changes=self._changes(100))]
        if self.command == "2d_cnn":
            return
        chosen = guesses = None
        for number, k in enumerate(self._numbers(plan.n_clips("noisy")), start=1):
            guesses = plan.guess(f"guess-{number}", by=models[-1], otherwise=guesses)
            chosen = self._choose(plan, f"choose-{number}", k, guesses)
            models.append(plan.train(f"2d-round-{number}", _NOISY, labels=chosen, changes=self._changes(150)))
        if self.command == "2d_cnn_noisy":
            return
        if self.predicted:
            guesses = plan.guess("guess-rest", by=models[-1], otherwise=guesses)
            rest = self._choose(plan, "predict-rest", k, guesses, predicted=True)
            models.append(plan.train("2d-predicted", _NOISY, labels=rest, changes=self._changes(150)))
        if self.kinds:
            models += self._other_kinds(plan, chosen)
        plan.blend("ensemble", models, self.blend)

    def _other_kinds(self, plan: "Plan", chosen: "Cleaning | None") -> list["Training"]:
        """Nets that err differently: over time alone, and with a recurrent net in place of the maximum."""
        short, long = self._changes(100), self._changes(150)
        recurrent = (*_RECURRENT, *self._changes(150, shuffled=False))
        in_time = (*_BOTH, *_LONGER, "model.heads.main.dropout=0.7")
        return [
            plan.train("1d", _IN_TIME, changes=short),
            plan.train("1d-noisy", _IN_TIME, labels=chosen, changes=(*in_time, *long)),
            plan.train("2d-recurrent", _NOISY, labels=chosen, changes=recurrent),
            plan.train("1d-recurrent", _IN_TIME, labels=chosen, changes=(*in_time, *recurrent)),
        ]

    def _choose(self, plan: "Plan", name: str, k: int, guesses: "Guessing", *, predicted: bool = False) -> "Cleaning":
        """The labels of the best clips, and perhaps predicted ones of the others."""
        from earmark.cleaning.rules.scoring import Scoring
        from earmark.cleaning.rules.select_and_predict import SelectAndPredict

        rule = SelectAndPredict if predicted else Scoring
        share = False if self.legacy or self.command else self.share_noisy
        share = None if plan.fold == "none" else share
        return plan.clean(name, rule(k=k, per_class=self.per_class, share_noisy=share), guesses)

    def _numbers(self, n_noisy: int) -> list[int]:
        """How many clips are chosen in each round, of so many."""
        share = 1.0 if self.of is None else n_noisy / self.of
        rounds = self.clips[:1] if self.command else self.clips
        return [max(1, round(k * share)) for k in rounds]

    def _changes(self, n_epochs: int, *, shuffled: bool = True) -> tuple[str, ...]:
        """What these settings change in every recipe."""
        as_run = (*_AS_RUN, *(_SHUFFLED if shuffled else ())) if self.legacy else ()
        return (*as_run, *self._keeping(n_epochs))

    def _keeping(self, n_epochs: int) -> tuple[str, ...]:
        if not self.keep_best:
            return ()
        stopping = f"training.early_stopping={{patience_epochs: {n_epochs}}}"
        return (stopping, "training.watch=held_out", "training.score_epochs=1")
