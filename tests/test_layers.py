"""The plan of the house, checked over the syntax tree: who may import whom, how long a file is, who touches the disk.

Imports inside functions count like the others; those under ``if TYPE_CHECKING`` count for the layers, not for cycles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "earmark"
LAYERS = {
    name: layer
    for layer, names in enumerate(
        [
            "core",
            "dsp metrics losses schedules",
            "data signal models runs",
            "objectives inference audit cleaning ensemble reports",
            "training",
            "stages",
            "systems demo",
            "cli",
        ]
    )
    for name in names.split()
}
"""The layer of each package; a package imports from lower layers and from itself."""
ENTRANCE = "earmark"
"""May know everything, if it imports it inside functions."""
DISK = ("earmark.core.files",)
"""The modules of layers 0 and 1 that may touch the disk."""
LONGEST = 320
DRAWERS = {"util", "utils", "common", "helper", "helpers", "misc", "manager", "managers", "base", "stuff", "tools"}

TOUCHES_DISK = {
    *("open", "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "makedirs", "unlink", "rmdir", "touch"),
    *("iterdir", "glob", "rglob", "stat", "exists", "is_file", "is_dir", "scandir", "listdir", "walk", "memmap"),
    *("read_csv", "scan_csv", "write_csv", "read_parquet", "scan_parquet", "write_parquet", "read_json", "write_json"),
    *("savez", "savez_compressed", "tofile", "fromfile", "loadtxt", "savetxt", "savefig"),
}
LOADERS = {"np", "numpy", "torch", "json", "pickle"}  # whose load, save and dump mean a file
DISK_MODULES = {"soundfile", "shutil", "tempfile", "subprocess", "socket", "urllib", "sqlite3", "glob", "pickle"}


@dataclass(frozen=True)
class Import:
    """One import of one module: where it stands and when it happens."""

    target: str
    line: int
    lazy: bool
    typing_only: bool


def modules() -> dict[str, Path]:
    """Every module of the package by name."""
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(tree: ast.AST, module: str, is_package: bool, known: frozenset[str]) -> Iterator[Import]:
    """Every import of a module of earmark; ``from x import y`` means ``x.y`` where that is a module."""

    def visit(node: ast.AST, lazy: bool, typing_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            for target in targets(child):
                if target.split(".")[0] == "earmark":
                    yield Import(target, child.lineno, lazy, typing_only)  # type: ignore[attr-defined]
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_block = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            yield from visit(child, lazy or inside, typing_only or typing_block)

    def targets(node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            start = module.split(".")
            start = start[: len(start) - node.level + is_package] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            return [full if (full := f"{origin}.{alias.name}") in known else origin for alias in node.names]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "importlib.import_module"):
            return [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        return []

    return visit(tree, lazy=False, typing_only=False)


def layer_faults(module: str, found: Iterator[Import]) -> list[str]:
    """Imports that go up, sideways, or to a package that has no layer."""
    faults = []
    own = "cli" if module == "earmark.__main__" else module.partition(".")[2].partition(".")[0]
    for each in found:
        other = each.target.split(".")[1] if "." in each.target else ""
        where = f"{module}:{each.line} imports {each.target}"
        if module == ENTRANCE:
            if other and not each.lazy and not each.typing_only:
                faults.append(f"{where} at once; the entrance imports inside functions")
        elif not other:
            if own != "cli":
                faults.append(f"{where}, which knows everything")
        elif other not in LAYERS or own not in LAYERS:
            faults.append(f"{where}: say in LAYERS where {other if other not in LAYERS else own} belongs")
        elif other != own and LAYERS[other] >= LAYERS[own]:
            way = "sideways" if LAYERS[other] == LAYERS[own] else "up"
            faults.append(f"{where}, which is {way}: layer {LAYERS[own]} to layer {LAYERS[other]}")
    return faults


def cycles(edges: dict[str, set[str]]) -> list[str]:
    """Each way round that some modules import one another, found from its first module."""
    found, done, path = [], set(), []

    def visit(module: str) -> None:
        if module in path:
            found.append(" -> ".join([*path[path.index(module) :], module]))
        elif module not in done:
            path.append(module)
            for other in sorted(edges.get(module, ())):
                visit(other)
            done.add(path.pop())

    for module in sorted(edges):
        visit(module)
    return found


def disk_faults(tree: ast.AST) -> list[str]:
    """Calls and imports that touch the disk, the network or another process."""
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if name in TOUCHES_DISK or (name in ("load", "save", "dump") and owner in LOADERS):
                faults.append(f"line {node.lineno} calls {ast.unparse(node.func)}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            faults += [f"line {node.lineno} imports {name}" for name in names if name.split(".")[0] in DISK_MODULES]
    return faults


def found_in(module: str, path: Path, known: frozenset[str]) -> Iterator[Import]:
    return imports(tree_of(path), module, path.name == "__init__.py", known)


def test_packages_import_downwards_only() -> None:
    known = frozenset(modules())
    faults = [
        fault for module, path in modules().items() for fault in layer_faults(module, found_in(module, path, known))
    ]
    assert not faults, "\n".join(faults)


def test_no_modules_import_one_another_in_a_circle() -> None:
    known = frozenset(modules())
    edges = {
        module: {each.target for each in found_in(module, path, known) if not each.typing_only}
        for module, path in modules().items()
        if module != ENTRANCE
    }
    assert cycles(edges) == []


def test_no_module_is_a_drawer() -> None:
    assert [name for name in modules() if set(name.split(".")[-1].split("_")) & DRAWERS] == []
    classes = [
        f"{module}: {node.name}"
        for module, path in modules().items()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and (node.name.endswith("Manager") or node.name.startswith("Base"))
    ]
    assert classes == []


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("earmark", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_the_lowest_layers_leave_the_disk_alone() -> None:
    faults = [
        f"{module} {fault}"
        for module, path in modules().items()
        if module.count(".") and LAYERS.get(module.split(".")[1], 9) <= 1 and module not in DISK
        for fault in disk_faults(tree_of(path))
    ]
    assert not faults, "\n".join(faults)


def test_every_module_says_what_it_is() -> None:
    silent = [name for name, path in modules().items() if not ast.get_docstring(tree_of(path))]
    assert silent == []


KNOWN = frozenset(
    {"earmark.data", "earmark.data.tables", "earmark.signal.step", "earmark.core.errors", "earmark.cli.main"}
)


@pytest.mark.parametrize(
    ("module", "text", "fault"),
    [
        ("earmark.data.tables", "from earmark.signal.step import Step", "sideways: layer 2 to layer 2"),
        ("earmark.data.tables", "from earmark.signal import step", "imports earmark.signal.step, which is sideways"),
        (
            "earmark.core.errors",
            "def f():\n    import earmark.data.tables",
            "errors:2 imports earmark.data.tables, which is up",
        ),
        ("earmark.core.errors", "def f():\n    import_module('earmark.data.tables')", "which is up"),
        ("earmark.core.errors", "if TYPE_CHECKING:\n    from ..data.tables import read_csv", "which is up"),
        ("earmark.data.tables", "import earmark", "knows everything"),
        ("earmark.data.tables", "import earmark.attic.old", "say in LAYERS where attic belongs"),
        ("earmark", "from earmark.data.tables import read_csv", "inside functions"),
        ("earmark.cli.main", "import earmark", ""),
        ("earmark", "def load():\n    from earmark.data.tables import read_csv", ""),
        ("earmark.data.tables", "from .cells import x\nfrom earmark.core.errors import DataError\nimport os", ""),
    ],
)
def test_the_layer_rule_bites(module: str, text: str, fault: str) -> None:
    faults = layer_faults(module, imports(ast.parse(text), module, module == "earmark", KNOWN))
    assert (fault in faults[0]) if fault else not faults


def test_the_other_rules_bite() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == ["a -> b -> c -> a"]
    assert cycles({"a": {"b", "c"}, "b": {"c"}}) == []
    for text in ("open('x')", "Path('x').write_text('')", "np.load('x')", "import soundfile", "torch.save(x, 'y')"):
        assert disk_faults(ast.parse(text)), text
    for text in ("yaml.load(text)", "json.dumps(x)", "module.load_state_dict(x)", "table.rename(x)"):
        assert not disk_faults(ast.parse(text)), text
