"""What ``earmark show`` prints: families, members with their settings and defaults, recipes and their differences."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticCustomError, PydanticUndefined

from earmark.cli.values import COMMANDS, values
from earmark.core.errors import SettingsError
from earmark.core.family import Member, families
from earmark.core.fingerprint import differences, fingerprint
from earmark.core.settings import Settings, nearest, read
from earmark.core.spec import Spec
from earmark.core.yaml_text import dump, override
from earmark.stages.recipe import Recipe, read_recipe, shipped_recipes

if TYPE_CHECKING:
    from earmark.models.encoders.encoder import Encoder


def show_kind(what: str | None, other: str | None, changes: list[str]) -> int:
    """Print what was asked for."""
    for place in ("earmark.stages.recipe", "earmark.cleaning.rules.rule", "earmark.systems.system"):  # every family
        import_module(place)
    if what is None:
        print(_overview())
    elif what.startswith("encoder."):
        print(_encoder(what.partition(".")[2], other, changes))
    elif other is not None:
        print(_difference(read_recipe(what, tuple(changes)), read_recipe(other)))
    elif what in families():
        print(_members(families()[what]))
    elif "." in what and what.split(".")[0] in families():
        print(_member(*what.split(".", 1)))
    elif what == "recipe":
        print("\n".join(reference(Recipe, heading="recipe")))
    elif what in values():
        print("\n".join(reference(values()[what], heading=what)))
    else:
        recipe = _recipe(what, changes)
        print(f"# {what}, fingerprint {fingerprint(recipe)}, every default resolved")
        print(dump(recipe.model_dump(mode="json")), end="")
    return 0


def hear(what: str | None, clips: list[Path], out: Path | None, seed: int, changes: list[str]) -> int:
    """Let a clip be heard and seen before and after an augmentation."""
    from earmark.signal.step import Augment
    from earmark.stages.audition import audition

    family, _, kind = (what or "").partition(".")
    if family != "augment" or not kind:
        names = ", ".join(f"augment.{each}" for each in Augment.members())
        raise SettingsError(f"--clip and --out go with an augmentation, got '{what or ''}'; name one of {names}")
    if not clips or out is None:
        raise SettingsError("an augmentation is heard with a clip and a folder to write to; give --clip and --out")
    member = cast("type[Augment]", _named(families()["augment"], kind))
    step = read(member, override({"p": 1.0}, tuple(changes)), what=what or "")
    found = audition(step, clips, out, seed)
    print("\n".join([*found.lines, "Written: " + ", ".join(map(str, found.files))]))
    return 0


def _recipe(what: str, changes: list[str]) -> Recipe:
    try:
        return read_recipe(what, tuple(changes))
    except SettingsError as error:
        if "there is no recipe" in str(error):
            names = [*families(), "recipe", *values(), *shipped_recipes()]
            raise SettingsError(f"there is nothing called '{what}' to show; {nearest(what, names)}") from None
        raise


def _overview() -> str:
    lines = ["Families (earmark show FAMILY, earmark show FAMILY.KIND):"]
    for name, root in sorted(families().items()):
        lines.append(f"  {name:<10} {', '.join(root.members())}")
    lines += ["Recipes (earmark show NAME, earmark train NAME --data FOLDER):"]
    for name, text in sorted(shipped_recipes().items()):
        first = text.splitlines()[0].lstrip("# ") if text else ""
        lines.append(f"  {name:<10} {first}")
    commands = ", ".join(each.__name__ for each in COMMANDS)
    lines += ["All settings of a recipe: earmark show recipe", f"Those of other commands: {commands}"]
    return "\n".join(lines)


def _members(root: type[Member]) -> str:
    lines = [_sentence(root)]
    return "\n".join([*lines, *(f"  {root.family}.{kind:<20} {_sentence(c)}" for kind, c in root.members().items())])


def _member(family: str, kind: str) -> str:
    found = _named(families()[family], kind)
    return "\n".join(reference(found, heading=f"{family}.{found.kind}"))


def _encoder(kind: str, recipe: str | None, changes: list[str]) -> str:
    """An encoder's settings, and what it costs on a recipe's view or, without one, on what its kind commonly hears.

    Changes are of the encoder's settings; where the recipe has the same encoder, they start from its settings.
    """
    member = cast("type[Encoder]", _named(families()["encoder"], kind))
    start: dict[str, Any] = {}
    said = "with its defaults"
    specs = _common_specs(member.takes)
    if recipe is not None:
        found = _recipe(recipe, [])
        specs = {f"view of {recipe}": found.spec}
        if type(found.model.encoder) is member:
            start = found.model.encoder.model_dump(mode="json")
            said = f"as in recipe {recipe}"
    encoder = read(member, override(start, tuple(changes)), what=f"encoder.{kind}")
    said += "".join(f", {change}" for change in changes)
    return "\n".join([*reference(member, heading=f"encoder.{member.kind}"), "", *_sizes(encoder, specs, said)])


def _common_specs(takes: str) -> dict[str, Spec]:
    """What an encoder may hear, by the heading of its column."""
    from earmark.signal.frontends.log_mel import LogMel
    from earmark.signal.frontends.mel import Mel

    wave = Spec("wave", 44100.0)
    if takes == "wave":
        return {"waves at 44.1 kHz": wave}
    return {f"log-mel, {n} bands": LogMel(mel=Mel(n_mels=n)).after(wave) for n in (64, 128)}


def _sizes(encoder: Encoder, specs: Mapping[str, Spec], said: str) -> Iterator[str]:
    """A table of what an encoder costs and gives, one column for each spec that it can take."""
    from earmark.models.counting import CLIP_S, counts

    columns: dict[str, list[str]] = {}
    for heading, spec in specs.items():
        unit = "samples" if spec.domain == "wave" else "frames"
        try:
            found = counts(encoder, spec)
        except SettingsError as error:
            yield f"Not on {heading}: {error}"
            continue

        def time(n: int, unit: str = unit, rate_hz: float = spec.rate_hz) -> str:
            return f"{n:,} {unit[: -1 if n == 1 else None]}, {n / rate_hz:.3g} s"

        reach = "whole clip" if found.reach.frames is None else time(found.reach.frames)
        columns[heading] = [
            f"{found.n_parameters:,}",
            f"{found.multiply_adds_per_s / 1e6:,.1f} million",
            reach + ", gates the whole clip" * found.reach.gated,
            time(found.stride),
            time(found.shortest),
            f"{found.n_channels} channels of {found.n_bands} band{'s' * (found.n_bands != 1)}",
        ]
    if columns:
        names = ["parameters", "multiply-adds a second", "receptive field", "one frame every", "shortest clip", "maps"]
        rows = [["", *columns], *([name, *cells] for name, *cells in zip(names, *columns.values(), strict=True))]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        yield f"{encoder.kind} {said}, without a head; multiply-adds for a clip of {CLIP_S:g} s:"
        for row in rows:
            yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _named(root: type[Member], kind: str) -> type[Member]:
    try:
        return root.named(kind)
    except PydanticCustomError as error:
        raise SettingsError(error.message()) from None


def reference(settings: type[Settings], heading: str) -> Iterator[str]:
    """A settings class in lines: its docstring, then name, type, default and meaning of each setting."""
    yield heading
    yield inspect.getdoc(settings) or ""
    for name, field in settings.model_fields.items():
        default = "required" if field.default is PydanticUndefined else f"default {_plain(field.default)}"
        yield f"\n  {name}: {_type_name(field.annotation)}, {default}"
        for line in inspect.cleandoc(field.description or "").splitlines():
            yield f"      {line}"


def _difference(one: Recipe, other: Recipe) -> str:
    rows = differences(one, other)
    return "\n".join(f"{path}: {_plain(a)} -> {_plain(b)}" for path, a, b in rows) or "no difference"


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple) and any(isinstance(each, BaseModel) for each in value):
        value = [each.model_dump(mode="json") if isinstance(each, BaseModel) else each for each in value]
    if isinstance(value, dict) and any(isinstance(each, BaseModel) for each in value.values()):
        value = {k: each.model_dump(mode="json") if isinstance(each, BaseModel) else each for k, each in value.items()}
    return str(value)


def _type_name(annotation: Any) -> str:
    """How people write a type: without what checks its values, whose names differ from one process to the next."""
    if inspect.isclass(annotation) and not getattr(annotation, "__args__", None):
        return annotation.__name__
    return str(_bare(annotation)).replace("typing.", "").replace("earmark.", "")


def _bare(annotation: Any) -> Any:
    """The type without the metadata of ``Annotated``, at any depth."""
    if get_origin(annotation) is Annotated:
        return _bare(annotation.__origin__)
    inner = get_args(annotation)
    if not inner or get_origin(annotation) is Literal:
        return annotation
    bare = tuple(list(map(_bare, each)) if isinstance(each, list) else _bare(each) for each in inner)
    if get_origin(annotation) in (Union, UnionType):
        return Union[bare]  # noqa: UP007 - made of what is only known here
    return get_origin(annotation)[bare]


def _sentence(cls: type) -> str:
    return (inspect.getdoc(cls) or "").splitlines()[0] if inspect.getdoc(cls) else ""
