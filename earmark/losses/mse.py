"""Mean squared error of probabilities: gentle with targets that may be wrong, as guesses are."""

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

from earmark.losses.loss import OUT, Loss, exact, mean_of_known, only_known


class MSE(Loss, kind="mse"):
    """The squared difference of probabilities and targets, mean over the known classes.

    It is bounded, so that one wrong target cannot rule a step: Akiyama and Sato (2019) learn soft pseudo labels with
    it, with a weight of 20 because its gradients are small.
    """

    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    """What makes probabilities of logits: each class by itself, or all known classes of a clip together."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits = exact(logits)
        if self.activation == "sigmoid":
            probabilities = logits.sigmoid()
        else:
            probabilities = logits.masked_fill(~known, OUT).softmax(dim=1)
        return mean_of_known((probabilities - only_known(targets, known)).square(), known)
