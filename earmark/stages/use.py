"""A trained tagger used in another way than its recipe says, as ``-s inference.hearing=padded`` asks."""

from __future__ import annotations

from collections.abc import Sequence

from earmark.core.errors import SettingsError
from earmark.core.yaml_text import override
from earmark.inference.tagger import Tagger


def used(tagger: Tagger, changes: Sequence[str]) -> Tagger:
    """The tagger with changes to its settings of use.

    Args:
        changes: ``inference.path=value``, in order, as in a recipe.

    Raises:
        SettingsError: something else than use is to be changed, or there are no such settings.
    """
    for change in changes:
        if not change.strip().startswith("inference."):
            raise SettingsError(
                f"only the use of a trained tagger can be changed, so a change must be of inference., got '{change}'; "
                "for example -s inference.hearing=padded"
            )
    if not changes:
        return tagger
    data = {"inference": tagger.settings.inference.model_dump(mode="json")}
    return tagger.using(**override(data, changes)["inference"])
