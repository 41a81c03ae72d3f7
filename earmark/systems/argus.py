"""The essentials of argus, the winner at Kaggle: auxiliary classifiers, few but chosen noisy clips, and stacking.

R. Baikulov, https://github.com/lRomul/argus-freesound (2019)
"""

from typing import TYPE_CHECKING

from pydantic import Field

from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.blends.net import Net
from earmark.systems.system import System

if TYPE_CHECKING:
    from earmark.stages.sequence.cleaning import Cleaning
    from earmark.stages.sequence.plan import Plan
    from earmark.stages.sequence.training import Training

_RECIPE = "argus"
_BATCH, _EPOCHS = 128, 4600
_HEADS = {"main": 1.0, "aux3": 0.4, "aux2": 0.2, "aux1": 0.1}
_SOFT = "{kind: soft_bootstrap, beta: 0.7, fixed: true}"
_CROP = "{length_s: 3.99, short: repeat}"


class Argus(System, kind="argus"):
    """One net in several trainings, by which noisy clips it meets and how far it believes them, a small net over all of
    them, and the geometric mean (R. Baikulov, 2019).

    The auxiliary models meet all noisy clips, whose labels are mixed with what the net itself says; the corrected ones
    only those whose labels rank highest among the guesses of models that have not heard them, and these are believed.
    Three nets stack the scores of all of them, and each counts in the end as much as a model.

    Seven trainings and three stacks were averaged there, so that stacking had three parts of ten; here it has three of
    nine. Two of the seven learnt from curated labels that somebody had corrected by ear, for 73 clips; here one on the
    curated labels as they come stands for them, and makes the guesses. Noisy clips were looked through by hand as well.
    The stacks had settings of their own there, here random numbers of their own. Which trainings to keep was found by
    trying all sets of them (blend best_subset).
    """

    noisy: tuple[float, ...] = (0.33, 0.1)
    """The share of any noisy clips in the batches of each auxiliary model; the source tried 0.01 to 0.33."""
    corrected: tuple[float, ...] = (0.42, 0.3, 0.2)
    """The share of chosen noisy clips in the batches of each of these models; the source tried 0.2 to 0.42."""
    clips: int = Field(1745, ge=1)
    """How many noisy clips are chosen."""
    of: int | None = Field(19815, ge=1)
    """Of how many noisy clips this number is; with other data it becomes as large a share. Null takes it as it is."""
    stack: Net = Net(n_nets=1, beside_mean=False)
    """The nets that stack; the seed is that of the first."""
    stacks: int = Field(3, ge=0)
    """How many of them there are, each with the next seed."""
    watch_held_out: bool = False
    """Lower the rate when the held-out score no longer rises, stop when it has not for long, and keep the best weights,
    as the source did: the held-out score is then too good. Without it the loss in training lowers the rate."""

    def outline(self, plan: "Plan") -> None:
        from earmark.cleaning.rules.scoring import Scoring

        models = [plan.train("curated", _RECIPE, changes=self._watching())]
        models += [self._with_noisy(plan, f"auxiliary-{n}", share) for n, share in enumerate(self.noisy, start=1)]
        guesses = plan.guess("guess", by=models[0])
        share = 1.0 if self.of is None else plan.n_clips("noisy") / self.of
        chosen = plan.clean("choose", Scoring(k=max(1, round(self.clips * share))), guesses)
        models += [
            self._with_noisy(plan, f"corrected-{n}", share, chosen) for n, share in enumerate(self.corrected, start=1)
        ]
        stacked = [
            plan.blend(f"stacked-{n}", models, self.stack.model_copy(update={"seed": self.stack.seed + n - 1}))
            for n in range(1, self.stacks + 1)
        ]
        plan.blend("ensemble", (*models, *stacked), Geometric(of="chances"))

    def _with_noisy(self, plan: "Plan", name: str, share: float, chosen: "Cleaning | None" = None) -> "Training":
        """A model that also meets noisy clips, any of them softly believed or chosen ones as if they were right."""
        n_noisy = min(max(1, round(_BATCH * share)), _BATCH - 1)
        loss = _SOFT if chosen is None else "bce"
        changes = [
            f"streams.curated.batch_size={_BATCH - n_noisy}",
            f"streams.noisy={{origins: {{noisy: 1}}, batch_size: {n_noisy}, crop: {_CROP}}}",
            f"training.epochs={round(_EPOCHS * (1 - share))}",  # as many clips in all
        ]
        for head, weight in _HEADS.items():
            for origin, how in (("curated", "bce"), ("noisy", loss)):
                part = head if origin == "curated" else f"{head}-noisy"
                term = f"{{kind: supervised, head: {head}, origins: [{origin}], loss: {how}}}"
                asked = f"{{streams: [curated, noisy], joint: true, weight: {weight}, term: {term}}}"
                changes.append(f"objective.{part}={asked}")
        return plan.train(name, _RECIPE, labels=chosen, changes=(*changes, *self._watching()))

    def _watching(self) -> tuple[str, ...]:
        if not self.watch_held_out:
            return ()
        return (
            "training.schedule.watch=score",
            "training.watch=held_out",
            "training.early_stopping={patience_epochs: 119}",
        )
