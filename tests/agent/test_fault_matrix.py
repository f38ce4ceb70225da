"""Every row of the fault matrix that needs no cluster is proven by some test, which says what it measured."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROWS = frozenset(
    [f"F{number:02}" for number in (*range(1, 7), *range(8, 23), 25, 26, *range(28, 35))]
)  # fmt: skip


def proven() -> Iterator[tuple[str, str]]:
    """The rows that tests are marked with, and the test."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield from ((row, f"{path.name}: {node.name}") for mark in node.decorator_list for row in rows(mark))


def rows(mark: ast.expr) -> Iterator[str]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
        for argument in mark.args:
            assert isinstance(argument, ast.Constant)
            yield str(argument.value)


def test_every_row_is_proven_by_a_test_and_no_test_proves_another() -> None:
    found = dict(proven())
    assert set(found) == ROWS, f"proven by nobody: {sorted(ROWS - set(found))}; no row: {sorted(set(found) - ROWS)}"


def test_whoever_proves_a_row_says_a_figure() -> None:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(row for mark in node.decorator_list for row in rows(mark)):
                assert "figure" in {argument.arg for argument in node.args.args}, f"{path.name}: {node.name}"
