"""Settings: frozen, typed, validated values, and the sentences that say what is wrong with them.

A recipe is YAML text; ``read`` turns it into one value of one class before any work starts, or raises a
`SettingsError` that lists every fault with its path and the nearest right name. Values compare, hash and print by
what they hold, and can be dumped back to plain data.

A field annotated with `Incidental` changes how a result is reached (workers, device, log interval), not which:
it stays out of the fingerprint.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from earmark.core.errors import SettingsError


class Incidental:
    """Marks a field, ``Annotated[int, Incidental()]``, that does not change the result."""


class Settings(BaseModel):
    """A frozen value made of named, typed fields; unknown names are faults with a suggestion."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _say_it_well(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Reword pydantic's complaints while the names of this class's fields are at hand."""
        if isinstance(data, Mapping) and hasattr(cls, "family") and "kind" in data:
            data = {key: value for key, value in data.items() if key != "kind"}
        try:
            return handler(data)
        except ValidationError as error:
            details = [_reworded(cls, dict(fault)) for fault in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, details) from None


_S = TypeVar("_S", bound=BaseModel)


def read(settings: type[_S], data: object, *, what: str = "settings") -> _S:
    """Make a value of class ``settings`` from plain data, or say everything that is wrong with it.

    Args:
        settings: the class of the value.
        data: a mapping as YAML gives it.
        what: how the message calls the thing that was read ("recipe small.yaml").

    Raises:
        SettingsError: with one fault a line: path, what was wanted, what came.
    """
    if data is not None and not isinstance(data, Mapping | settings):
        raise SettingsError(
            f"{what} must be a mapping of names to values, got {_shown(data)}; write `name: value` lines"
        )
    try:
        return settings.model_validate({} if data is None else data)
    except ValidationError as error:
        said = [(_path(f["loc"]), f["msg"].removeprefix("Value error, ")) for f in error.errors(include_url=False)]
        faults = [f"{path}: {message}" if path else message for path, message in said]
        raise SettingsError(f"{what} has {len(faults)} fault{'s' * (len(faults) != 1)}:", faults) from None


def nearest(name: str, names: Iterable[str]) -> str:
    """A ready clause that suggests the right name, or lists the choices when none is near.

    >>> nearest("focl", ["bce", "focal"])
    "did you mean 'focal'?"
    """
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.55)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def _reworded(cls: type[BaseModel], fault: dict[str, Any]) -> InitErrorDetails:
    location, kind, message = fault["loc"], fault["type"], fault["msg"]
    if kind == "extra_forbidden" and len(location) == 1:
        message = f"no such setting; {nearest(str(location[0]), cls.model_fields)}"
    elif kind == "missing":
        message = "is required and was not given"
    elif kind not in ("fault", "value_error"):
        message = f"{message[:1].lower()}{message[1:]}, got {_shown(fault['input'])}"
    elif kind == "value_error":
        message = message.removeprefix("Value error, ")
    return InitErrorDetails(type=PydanticCustomError("fault", message), loc=location, input=fault["input"])


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
