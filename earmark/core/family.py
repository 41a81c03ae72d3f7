"""Open families: a loss, an encoder, a step, a source is one class in one file, found where it lies.

    class Loss(Member, family="loss"):          # the abstract root, in earmark/losses/loss.py
    class BCE(Loss, kind="bce"):                # a member, in earmark/losses/bce.py

A field of type ``Loss`` then reads ``{kind: bce, ...}`` (or just ``bce``) into a ``BCE``. Members are found by
importing the modules that lie in the folder of the root; a member from outside is named ``module:Class``. A member is
a settings value: a stateless one is called, one that makes something with state has ``build(...)``.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Self, cast

from pydantic import GetCoreSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from earmark.core.settings import Settings, nearest

_ROOTS: dict[str, type["Member"]] = {}


class Member(Settings):
    """A settings value that belongs to a family and says its ``kind`` once, as a keyword of its class."""

    kind: ClassVar[str] = ""
    family: ClassVar[str] = ""

    def __init_subclass__(cls, *, family: str = "", kind: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if family:
            cls.family = family
            _ROOTS[family] = cls
        cls.kind = kind

    @classmethod
    def __pydantic_init_subclass__(cls, **rest: Any) -> None:
        """Swallow the class keywords, which pydantic hands on."""

    @classmethod
    def members(cls) -> dict[str, type[Self]]:
        """Every member of this family by kind, in alphabetical order.

        The folder is gone through once; classes that are defined in its modules later are members as well.
        """
        root = _ROOTS[cls.family]
        package = root.__module__.rpartition(".")[0]
        _import_all(package)
        found = {c.kind: c for c in _descendants(root) if c.kind and c.__module__.startswith(package + ".")}
        return cast("dict[str, type[Self]]", {kind: found[kind] for kind in sorted(found)})

    @classmethod
    def named(cls, kind: str) -> type[Self]:
        """The member class of this kind; ``module:Class`` names one from outside the package."""
        if ":" in kind:
            return cls._outsider(kind)
        members = cls.members()
        if kind not in members:
            raise PydanticCustomError("fault", f"no {cls.family} of kind '{kind}'; {nearest(kind, members)}")
        return members[kind]

    @classmethod
    def _outsider(cls, kind: str) -> type[Self]:
        module, _, name = kind.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise PydanticCustomError("fault", f"no {cls.family} at '{kind}': {error}") from None
        if not (inspect.isclass(found) and issubclass(found, cls)):
            raise PydanticCustomError("fault", f"'{kind}' is not a {cls.family}: it must derive from {cls.__name__}")
        if inspect.isabstract(found) or not found.kind:
            raise PydanticCustomError("fault", f"'{kind}' is not a finished {cls.family}: it must say its kind")
        return found

    @classmethod
    def _read(cls, data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if isinstance(data, str):
            data = {"kind": data}
        if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
            raise PydanticCustomError(
                "fault", f"names no {cls.family}; write `kind: ...`, {nearest('', cls.members())}"
            )
        return cls.named(data["kind"]).model_validate(data)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls.kind:
            return handler(source)
        dump = core_schema.plain_serializer_function_ser_schema(
            lambda value, info: value.model_dump(mode=info.mode), info_arg=True
        )
        return core_schema.no_info_plain_validator_function(cls._read, serialization=dump)

    @property
    def address(self) -> str:
        """What a recipe writes as ``kind``: the kind itself, or ``module:Class`` for a member from outside."""
        inside = type(self).__module__.startswith("earmark.")
        return self.kind if inside else f"{type(self).__module__}:{type(self).__name__}"

    @model_serializer(mode="wrap")
    def _with_kind(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": self.address, **handler(self)}


def families() -> dict[str, type[Member]]:
    """The root of every family whose package has been imported, by its name, and of the families of their members."""
    looked: set[str] = set()
    while new := set(_ROOTS) - looked:
        looked |= new
        for name in new:
            _ROOTS[name].members()
    return dict(_ROOTS)


@cache
def _import_all(package: str) -> None:
    """Import every module below a package: once, for looking through folders is slow and members are asked for often.

    What could not be imported is tried again, since only what succeeds is remembered.
    """
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(module.name)


def _descendants(cls: type[Member]) -> list[type[Member]]:
    return [found for child in cls.__subclasses__() for found in (child, *_descendants(child))]
