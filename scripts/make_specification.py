"""Write docs/specification.md from tests/spec: what the package does, in the words of its tests.

A folder or file is a chapter, the docstring of the file its text; a test is a paragraph, its name the
heading and its docstring the text. `--check` changes nothing and fails if the page is not current.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "tests" / "spec"
PAGE = ROOT / "docs" / "specification.md"
HEAD = """# Specification

Written by `make spec` from the tests in `tests/spec`; every paragraph is a test that passes. Do not edit.
"""


def sentence(name: str) -> str:
    text = name.removeprefix("test_").replace("_", " ")
    return text[:1].upper() + text[1:]


def paragraphs(tree: ast.Module) -> list[str]:
    parts: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            parts.append(f"### {sentence(node.name)}")
            parts.extend(filter(None, [ast.get_docstring(node)]))
    return parts


def chapter(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    title = " / ".join(sentence(part) for part in path.relative_to(SPEC).with_suffix("").parts)
    return [f"## {title}", *filter(None, [ast.get_docstring(tree)]), *paragraphs(tree)]


def page() -> str:
    parts = [part for path in sorted(SPEC.rglob("test_*.py")) for part in chapter(path)]
    return "\n\n".join([HEAD.strip(), *parts]) + "\n"


def main() -> int:
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, "utf-8", newline="\n")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    print("docs/specification.md is not what the tests say: run `make spec` and read the difference")
    return 1


if __name__ == "__main__":
    sys.exit(main())
