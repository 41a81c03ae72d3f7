"""What every cleaning rule is: a value that is called with a case and gives an opinion.

The opinion does not depend on the order in which clips, labels or scores were listed. What a rule needs of a case it
says in its class, and it refuses a case without it in a sentence.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from earmark.core.errors import SettingsError
from earmark.core.family import Member

if TYPE_CHECKING:
    from earmark.cleaning.case import Case
    from earmark.cleaning.opinion import Opinion


class Rule(Member, ABC, family="rule"):
    """A way of judging doubtful labels."""

    n_guesses: ClassVar[int] = 1
    """How many predictions it compares."""
    n_members: ClassVar[int] = 0
    """How many single models it wants to hear."""
    needs_trusted: ClassVar[bool] = False
    """Whether trusted clips must have been guessed too, held out."""
    needs_embeddings: ClassVar[bool] = False

    def __call__(self, case: "Case") -> "Opinion":
        """The opinion of this rule.

        Raises:
            SettingsError: the case lacks what the rule needs.
        """
        self.check(case)
        return self._judge(case)

    @abstractmethod
    def _judge(self, case: "Case") -> "Opinion":
        """The opinion, of a case that has what is needed."""

    def check(self, case: "Case") -> None:
        """Refuse a case that lacks what this rule needs.

        Raises:
            SettingsError: with the names of both sides.
        """
        if len(case.guesses) < self.n_guesses:
            raise SettingsError(
                f"rule '{self.kind}' compares {self.n_guesses} predictions, but {len(case.guesses)} came; give "
                "--predictions once for each model"
            )
        if len(case.members) < self.n_members:
            raise SettingsError(
                f"rule '{self.kind}' asks {self.n_members} or more models, but the predictions come from "
                f"{len(case.members)}; give several --predictions, or the folder of a training of each fold"
            )
        if self.needs_trusted and not case.has_trusted_guesses:
            raise SettingsError(
                f"rule '{self.kind}' learns from trusted clips, but the predictions hold no curated clip out of fold; "
                "give the folder of a training that held out a fold (earmark train --fold each), or take a rule that "
                "asks for none (--rule confident_learning)"
            )
        if self.needs_embeddings and not case.spaces:
            raise SettingsError(
                f"rule '{self.kind}' looks at embeddings, but none came; make some with earmark predict --embed and "
                "give --embeddings"
            )
