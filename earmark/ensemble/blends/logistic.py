"""Logistic regression over all that the members say."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Mixture
from earmark.ensemble.stacking import Standard, features, learnable, said

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Logistic(Blend, kind="logistic"):
    """A logistic regression for each class over the members' log-odds, fitted by L-BFGS: stacking.

    Over all classes it can learn that what sounds like one class to a model is another, which needs many clips for each
    class. A class that no held-out clip has keeps the mean of the members. The rftexas team (2019) wished for stacking
    and did not get to it; Wolpert 1992 has the idea.
    """

    learns = True

    of: Literal["own", "all"] = "own"
    """What a class is guessed from: its own log-odds alone, or those of all classes."""
    c: float = Field(0.1, gt=0)
    """The inverse of how strongly coefficients are pulled to 0, as scikit-learn has it."""
    n_steps: int = Field(500, ge=1)
    """Most steps of L-BFGS for a class."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        assert targets is not None
        values = said(members)
        n_classes = values.shape[2]
        table = features(values)
        standard = Standard.of(table)
        table = standard(table)
        coefficients, offsets = np.zeros((n_classes, table.shape[1])), np.full(n_classes, np.nan)
        found = list(learnable(targets))
        for number in track(range(len(found)), len(found), "stack classes"):
            column, known, labels = found[number]
            used = np.arange(table.shape[1])
            used = used if self.of == "all" else used[used % n_classes == column]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # where it stops is as good as it gets
                fitted = LogisticRegression(C=self.c, max_iter=self.n_steps, tol=1e-6).fit(
                    table[np.ix_(known, used)], labels
                )
            coefficients[column, used], offsets[column] = fitted.coef_[0], fitted.intercept_[0]
        return Regression(members.names, members.classes, standard, coefficients, offsets)


@dataclass(frozen=True, eq=False)
class Regression:
    """Coefficients [classes, members * classes] and offsets [classes], NaN for a class that keeps the mean."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    standard: Standard
    coefficients: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @property
    def facts(self) -> Mapping[str, Any]:
        by_member = np.abs(self.coefficients).reshape(len(self.classes), len(self.names), -1).sum(axis=(0, 2))
        total = float(by_member.sum()) or 1.0
        kept = [name for name, offset in zip(self.classes, self.offsets, strict=True) if np.isnan(offset)]
        return {
            "share_of_coefficients": {n: float(v) / total for n, v in zip(self.names, by_member, strict=True)},
            "n_coefficients": int(self.coefficients.size),
            "classes_of_the_mean": kept,
        }

    def __call__(self, members: "Members") -> Mixture:
        place = {name: column for column, name in enumerate(members.classes)}
        values = said(members)[:, :, [place[name] for name in self.classes]]
        scores = self.standard(features(values)) @ self.coefficients.T + self.offsets
        scores = np.where(np.isnan(self.offsets), values.mean(axis=0), scores)
        back = [self.classes.index(name) for name in members.classes]
        return Mixture(scores[:, back], "logit")
