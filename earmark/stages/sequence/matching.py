"""What must fit between the stages of a plan, refused before any of them is begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from earmark.core.errors import SettingsError
from earmark.stages.fold_choice import EACH, NONE, covers, is_several
from earmark.stages.sequence.blending import Blending, guesses_of
from earmark.stages.sequence.guessing import Guessing
from earmark.stages.sequence.stage import Stage
from earmark.stages.sequence.training import Training


def must_fit(stage: Training) -> None:
    """Refuse weights that cannot become those of this recipe, and models that nobody can choose between."""
    start, recipe = stage.start, stage.recipe
    if start is None:
        return
    theirs, ours, asked = start.recipe.model.encoder.kind, recipe.model.encoder.kind, recipe.model.start
    if theirs != ours and asked is not None and asked.strict != "none" and not asked.map:
        raise SettingsError(
            f"stage '{stage.name}' begins with the weights of stage '{start.name}', which are of encoder '{theirs}', "
            f"but its recipe has '{ours}'; take that encoder, or ask for whatever fits with model.start.strict: none"
        )
    if is_several(start.fold) and not covers(start.fold, stage.fold):
        mine = "no fold" if stage.fold == NONE else f"fold {stage.fold}"
        theirs = "each" if start.fold == EACH else f"each of {start.fold}"
        raise SettingsError(
            f"stage '{stage.name}' holds {mine} out, but stage '{start.name}', with whose weights it begins, has one "
            f"model for {theirs}; let both hold out the same"
        )


def named(members: Mapping[str, Stage | Sequence[Stage]] | Sequence[Stage]) -> dict[str, tuple[Stage, ...]]:
    """The stages of each member of an ensemble, by its name; guesses are called after the training that they are of."""
    if isinstance(members, Mapping):
        return {name: (found,) if isinstance(found, Stage) else tuple(found) for name, found in members.items()}
    by_name: dict[str, tuple[Stage, ...]] = {}
    for stage in members:
        name = stage.by.name if isinstance(stage, Guessing) else stage.name
        by_name[name] = (*by_name.get(name, ()), stage)
    return by_name


def one_fold(name: str, members: Mapping[str, Sequence[Stage]], otherwise: str) -> str:
    """The choice of a fold that all members share.

    Raises:
        SettingsError: they do not.
    """
    folds = {stage.fold: stage.name for stages in members.values() for stage in stages}
    if len(folds) > 1:
        (one, first), (other, second) = sorted(folds.items())[:2]
        raise SettingsError(
            f"stage '{name}' blends '{first}', which holds out '{one}', with '{second}', which holds out '{other}'; "
            "let all members hold out the same"
        )
    return next(iter(folds), otherwise)


def must_blend(stage: Blending) -> None:
    """Refuse members that cannot be blended.

    Raises:
        SettingsError: there are none, or some guess other clips than others, or none.
    """
    if not stage.members:
        raise SettingsError(f"stage '{stage.name}' blends nothing; name at least one member")
    for kind, found in (("say what they held out", stage.speakers), ("bring guesses", stage.tellers)):
        lacking = sorted(set(stage.members) - set(found))
        if found and lacking:
            raise SettingsError(
                f"members of stage '{stage.name}' {kind}, but '{lacking[0]}' does not; let all of them do so, or none"
            )
    guessed = {guesses_of(each): each.name for stages in stage.tellers.values() for each in stages}
    if len(guessed) > 1:
        (one, first), (other, second) = sorted((str(of), name) for of, name in guessed.items())[:2]
        raise SettingsError(
            f"stage '{stage.name}' blends guesses of {one} clips ('{first}') with guesses of {other} clips "
            f"('{second}'); let all members guess the same"
        )


def must_not_know(name: str, fold: str, teacher: Stage) -> None:
    """Refuse a student that is judged by clips which its teachers have learnt from.

    Raises:
        SettingsError: with what to do.
    """
    if fold == NONE or covers(teacher.fold, fold):
        return
    which = f"folds {teacher.fold}" if is_several(teacher.fold) else f"fold {teacher.fold}"
    holds = "holds nothing out" if teacher.fold == NONE else f"holds out {which}"
    raise SettingsError(
        f"stage '{name}' is to be judged by fold '{fold}', but its teacher '{teacher.name}' {holds} and has learnt "
        "from what judges it; let both hold out the same, or let the student hold out nothing (fold: none)"
    )
