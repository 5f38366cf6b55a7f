"""The source tree as the house tests see it: files git knows, Python modules parsed once."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository; without git (a source archive) every file that is not made by a tool."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().split("\0")
        return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())
    made = {".git", ".venv", ".demo", ".connector", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    return tuple(path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.relative_to(ROOT).parts))


@cache
def modules(*folders: str) -> tuple[tuple[str, ast.Module], ...]:
    """(path, syntax tree) of the Python files below these folders."""
    found = [path for path in tracked() if path.suffix == ".py"]
    named = [(path.relative_to(ROOT).as_posix(), path) for path in found]
    return tuple((name, _parsed(path, name)) for name, path in named if name.startswith(folders))


@cache
def _parsed(path: Path, name: str) -> ast.Module:
    """Once, however many sets of folders hold it."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=name)


def dotted(node: ast.expr) -> str | None:
    """`a.b.c` of an attribute chain, None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return None if inner is None else f"{inner}.{node.attr}"
    return None
