"""Rules of style that ruff and mypy do not know, and those whose breach they could be told to overlook."""

import ast

MAX_LINES = 400

FORBIDDEN_CALLS = {"eval", "exec", "print", "breakpoint"}
FORBIDDEN_ERRORS = {"Exception", "BaseException", "AssertionError"}


def _name_of_raised(node):
    target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return target.id if isinstance(target, ast.Name) else ""


def _breach(node):
    """What is wrong with a piece of code, or an empty string."""
    if isinstance(node, ast.Assert):
        return "assert is gone under python -O; raise an SNNToolboxError"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
        return f"{node.func.id}()"
    if isinstance(node, ast.Raise) and _name_of_raised(node) in FORBIDDEN_ERRORS:
        return f"raise {_name_of_raised(node)}; raise an SNNToolboxError"
    return ""


def test_no_assert_print_or_eval_in_the_package(sources):
    wrong = [
        f"{source.path}:{node.lineno}: {_breach(node)}"
        for source in sources
        for node in ast.walk(source.tree)
        if _breach(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_short(sources):
    assert not [f"{source.path}: {source.lines} lines" for source in sources if source.lines > MAX_LINES]


def test_every_module_says_what_belongs_in_it(sources):
    assert not [source.path for source in sources if not ast.get_docstring(source.tree)]


def _exported(source):
    """Names in ``__all__``; None if there is none."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["__all__"]:
            return set(ast.literal_eval(node.value))
    return None


def test_all_lists_every_public_class_and_function(sources):
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    wrong = [
        f"{source.path}:{node.lineno}: {node.name} is neither private nor in __all__"
        for source in sources
        for node in source.tree.body
        if isinstance(node, kinds) and not node.name.startswith("_") and node.name not in (_exported(source) or ())
    ]
    assert not wrong, "\n".join(wrong)


def test_every_folder_with_modules_is_a_package(repository):
    folders = {path.parent for path in (repository / "snntoolbox").rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]
