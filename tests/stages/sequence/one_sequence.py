"""A process that carries one small sequence out, for the test that kills it: SOUNDS STORE OUT."""

from __future__ import annotations

import sys
from pathlib import Path

from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.carry_out import carry_out
from earmark.stages.sequence.ground import Ground
from tests.stages.sequence.conftest import TINY, Told
from tests.stages.sequence.test_carry_out import plan_of


class Aloud(Told):
    """Says everything at once to whoever reads."""

    def _count(self, line: str) -> None:
        print(line, flush=True)


if __name__ == "__main__":
    sounds, store, out = map(Path, sys.argv[1:])
    show = Aloud()
    plan = plan_of(
        lambda **rest: Ground(sounds, store=store, device="cpu", **rest), read_recipe("demo", TINY), show=show
    )
    carry_out(plan, out)
