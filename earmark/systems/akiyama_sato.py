"""O. Akiyama and J. Sato's system, fourth at Kaggle: two tasks on one net, soft guesses, six models, many snapshots.

"Multitask learning and semi-supervised learning with noisy data for audio tagging", DCASE 2019; the program is
https://github.com/OsciiArt/Freesound-Audio-Tagging-2019
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan
    from earmark.stages.sequence.predicting import Predicting
    from earmark.stages.sequence.training import Training

_PICTURES, _WAVES = "akiyama_sato", "akiyama_sato_waves"
_LEARNT = "objective.guesses.term.guesses.file"
_LONGER = ("training.epochs=384", "view.1.length_s=8.0574")
_NO_SOFTMAX = (
    "training.epochs=240",
    "streams.curated.batch_size=64",
    "streams.noisy.batch_size=64",
    "objective.labels.term.loss={kind: bce}",
    "inference.pool=mean",
)
_ONE_CYCLE = ("training.epochs=400", "training.schedule.period_epochs=400")
_FIVE_SECONDS = ("view.1.length_s=4.53515",)
_PICTURES_AS_RUN = (
    "view.3.low_factor=0.9",
    "view.3.high_factor=1.1",
    "view.4.law=half_width",
    "view.4.widest_bands=31",
)
_WAVES_AS_RUN = (
    "view.0.interpolation=nearest",
    "view.2.legacy=true",
    "objective.labels.term.loss.normalise=false",
    "objective.noisy.term.loss.normalise=false",
)

_RATE_HZ, _COLUMN = 44_100, 347
_HEARD: dict[int, dict[str, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    1: {
        "model1": ((2, 4, 7, 8), (8, 64)),
        "model2": ((1, 2, 6, 7), (8, 64)),
        "model3": ((2, 4, 6), (8, 64)),
        "model4": ((2, 3), (0, 32_000)),
        "model5": ((3, 5), (8_000, 32_000)),
        "model6": ((7, 9), (8_000, 32_000)),
    },
    2: {
        "model1": ((2, 4, 7, 8), (8,)),
        "model2": ((1, 2, 4, 6, 7), (8,)),
        "model3": ((2, 4, 6), (8,)),
        "model4": ((2, 3), (8_000,)),
        "model5": ((3, 5), (8_000,)),
        "model6": ((6, 7, 9), (8_000,)),
    },
}
"""Of each submission the cycles whose snapshots speak, and the padding: columns of 347 samples, or samples."""


class AkiyamaSato(System, kind="akiyama_sato"):
    """Three nets on pictures and three on waves, each with a head for curated and one for noisy labels; the second
    also learns what the first guesses of noisy clips; snapshots hear clips with padding around them, and the six
    are averaged by given weights (O. Akiyama and J. Sato, 2019).

    The guesses are the mean of the probabilities of all snapshots of the first model, sharpened. It has met the noisy
    clips through its head for noisy labels; the head that guesses has not seen a label of theirs.

    With ``guesses: all_folds``, as in the source's best model, those of the models of all folds are taken. These have
    learnt from the held-out clips, so the held-out score of the second model is too good, which its notes say; the
    source found 0.012 of lwlrap in that. The default takes the guesses of the model that held the same fold out.

    The source chose cycles and paddings on the held-out scores that it then reported. With ``models: [2]`` the first
    two are trained and the second is heard.
    """

    submission: Literal[1, 2] = 1
    """Which of the two: the second hears each clip with one padding instead of two, by partly other snapshots."""
    models: tuple[int, ...] = Field((1, 2, 3, 4, 5, 6), min_length=1)
    """The models that are averaged, by the source's numbers. Those that they begin with are trained as well."""
    guesses: Literal["own_fold", "all_folds"] = "own_fold"
    """Whose guesses the second model learns."""
    temperature: float = Field(2.0, gt=0)
    """The power by which guesses are sharpened; 1, 1.5 and 2 were tried."""
    sum_to_one: bool = True
    """Whether the classes of a clip share one label among them, though it may have several: the source's choice."""
    weight: float = Field(20.0, ge=0)
    """The weight of the squared error between guesses and answers."""
    legacy: bool = False
    """What the source's program did otherwise than its report says. Masks hide 16 to 62 bands instead of 8 to 32, and
    the gain is 0.9 to 1.1 instead of 0.8 to 1.2; the loss of noisy labels takes the sigmoid of a sigmoid, which leaves
    little of its gradient; the second model has batches of 64 instead of 32, and its additional slices of clips longer
    than 4 s blank bands instead of frames; waves are mixed with themselves while their labels are mixed with those of
    others, and scaled by the nearest sample; under a softmax, clips with two labels count twice; the sixth model begins
    anew instead of with the weights of those on waves; the first two models swap their weights in the mean. (Its third
    model ran for two more cycles, which nobody heard; they are left out.)"""

    @field_validator("models")
    @classmethod
    def _six_at_most(cls, models: tuple[int, ...]) -> tuple[int, ...]:
        if list(models) != sorted(set(models)) or not set(models) <= set(range(1, 7)):
            raise ValueError(f"models are numbered from 1 to 6 and named once, in their order, got {list(models)}")
        return models

    def outline(self, plan: "Plan") -> None:
        from earmark.ensemble.blends.akiyama_sato import AkiyamaSato as Weights

        made = {**self._on_pictures(plan), **self._on_waves(plan)}
        heard = {name: self._heard(plan, model) for name, model in made.items() if int(name[-1]) in self.models}
        plan.blend("ensemble", heard, Weights(legacy=self.legacy))

    def _on_pictures(self, plan: "Plan") -> "dict[str, Training]":
        """Models 1 to 3: mel power of 4 s, the same with guesses, and of 8 s."""
        from earmark.stages.sequence.guessing import GuessSettings

        made = {}
        if {1, 2} & set(self.models):
            made["model1"] = plan.train("model1", _PICTURES, changes=self._pictures())
        if 2 in self.models:
            asked = GuessSettings(snapshots=True, learnt=True, mean="probability")
            guesses = plan.guess("guess", by=made["model1"], settings=asked)
            made["model2"] = plan.train(
                "model2",
                _PICTURES,
                start=made["model1"],
                tables={_LEARNT: guesses.mean if self.guesses == "all_folds" else guesses.own},
                changes=(*self._pictures(), *self._again(), self._learning(plan.fold)),
            )
        if 3 in self.models:
            made["model3"] = plan.train(
                "model3", _PICTURES, changes=(*self._pictures(), *_LONGER, *_crops("length_s", 8.06))
            )
        return made

    def _on_waves(self, plan: "Plan") -> "dict[str, Training]":
        """Models 4 to 6 begin with one long cycle on waves: a sigmoid for the softmax, more cycles, longer slices."""
        made, mistakes = {}, self._mistakes_on_waves()
        if {4, 5} & set(self.models) or (6 in self.models and not self.legacy):
            first = plan.train("waves", _WAVES, changes=(*mistakes, *_ONE_CYCLE))
        if 4 in self.models:
            made["model4"] = plan.train(
                "model4", _WAVES, start=first, changes=(*mistakes, *_NO_SOFTMAX, *self._noisy())
            )
        if 5 in self.models:
            made["model5"] = plan.train("model5", _WAVES, start=first, changes=mistakes)
        if 6 in self.models:
            longer = (*mistakes, *_FIVE_SECONDS, *_crops("shortest_s", 4.54))
            if self.legacy:
                anew = plan.train("waves-longer", _WAVES, changes=longer)
                made["model6"] = plan.train("model6", _WAVES, start=anew, changes=longer)
            else:
                made["model6"] = plan.train("model6", _WAVES, start=first, changes=(*longer, "training.epochs=800"))
        return made

    def _heard(self, plan: "Plan", model: "Training") -> "Predicting":
        """What snapshots of a model say of clips with padding around them, averaged."""
        from earmark.inference.hearings.padded import Padded
        from earmark.stages.sequence.predicting import PredictSettings

        cycles, pads = _HEARD[self.submission][model.name]
        on_waves, softmax = model.name in ("model4", "model5", "model6"), model.name in ("model5", "model6")
        if model.name == "model6" and self.legacy:
            cycles = tuple(cycle - 5 for cycle in cycles)  # the first five are those of the net that it begins with
        hearing = Padded(
            pads_s=tuple(round(pad * (1 if on_waves else _COLUMN) / _RATE_HZ, 5) for pad in pads),
            fill="silence" if on_waves else "floor",
            pool="softmax" if softmax else "probability",
        )
        settings = PredictSettings(cycles=cycles, hearing=hearing, softmax=softmax, mean="probability")
        return plan.predict(f"{model.name}-heard", by=model, settings=settings)

    def _pictures(self) -> tuple[str, ...]:
        return (*self._noisy(), *(_PICTURES_AS_RUN if self.legacy else ()))

    def _noisy(self) -> tuple[str, ...]:
        return (f"objective.noisy.term.loss={{kind: bce, double_sigmoid: {str(self.legacy).lower()}}}",)

    def _again(self) -> tuple[str, ...]:
        """The second model: smaller batches, additional slices, and a stream of guessed and trusted clips."""
        n = 64 if self.legacy else 32
        both = f"origins: {{curated: 1, noisy: 1}}, batch_size: {n}, crop: {{length_s: 4.03, short: keep}}"
        return (
            "training.epochs=448",
            f"streams.curated.batch_size={n}",
            f"streams.noisy.batch_size={n}",
            f"streams.both={{{both}}}",
            "view.1.p=0.5",
            f"view.1.legacy={str(self.legacy).lower()}",
        )

    def _learning(self, fold: str) -> str:
        """The part of the objective that learns the guesses."""
        from earmark.stages.fold_choice import is_several

        leak = str(self.guesses == "all_folds" and is_several(fold)).lower()
        sharpening = f"{{kind: power, exponent: {self.temperature}, sum_to_one: {str(self.sum_to_one).lower()}}}"
        guesses = f"{{file: guesses, link: probability, leak: {leak}}}"
        term = f"{{kind: pseudo_labels, origins: [noisy], guesses: {guesses}, sharpening: {sharpening}, loss: mse}}"
        return f"objective.guesses={{streams: [both], weight: {self.weight}, term: {term}}}"

    def _mistakes_on_waves(self) -> tuple[str, ...]:
        return _WAVES_AS_RUN if self.legacy else ()


def _crops(name: str, seconds: float) -> tuple[str, ...]:
    """A length of the crops of both streams."""
    return tuple(f"streams.{stream}.crop.{name}={seconds}" for stream in ("curated", "noisy"))
