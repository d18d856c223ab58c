"""Properties written the long way round: mutmut leaves decorated functions alone."""

import ast


def with_plain_properties(source: str) -> str:
    """Give the same code with `name = property(name)` after each function, not `@property`."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(decorator_list=[ast.Name(id="property", lineno=line)]):
                lines[line - 1] = ""
                end = (node.end_lineno or line) - 1
                lines[end] += f"\n{' ' * node.col_offset}{node.name} = property({node.name})"
    return "\n".join(lines) + "\n"
