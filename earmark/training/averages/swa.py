"""Stochastic weight averaging."""

from pydantic import Field

from earmark.schedules.schedule import Place
from earmark.training.averages.average import Average


class SWA(Average, kind="swa"):
    """The mean of the weights late in the training (P. Izmailov et al., 2018).

    J. Ebbers and R. Häb-Umbach (2019) average from step 150,000 of 200,000 on, every 1000 steps, and then take the
    batch-norm statistics anew. Before the first weights are taken, and where there are none, the weights are used as
    they are. A mean of statistics does not fit a mean of weights, so batches are spent on them by default.
    """

    refresh_batches: int = Field(50, ge=0)
    """Batches over which batch-norm statistics are taken anew for the averaged weights whenever these are used (to
    score, for a snapshot, for the tagger); 0 uses the mean of the statistics."""
    from_share: float = Field(0.75, ge=0, lt=1)
    """The share of the training's steps after which weights are taken."""
    every_steps: int | None = Field(None, ge=1)
    """Steps between weights that are taken; null takes those at the end of each epoch."""

    def share(self, place: Place, n_taken: int) -> float:
        start = round(self.from_share * place.n_steps)
        beyond = place.step if self.every_steps is None else place.step - start
        due = place.step >= start and beyond % (self.every_steps or place.steps_per_epoch) == 0
        return 1 / (n_taken + 1) if due else 0.0
