"""Templates compiled for pages of many rows: a value is read, escaped and written, nothing else.

Jinja's own code asks its environment for every attribute and makes a `Markup` of every value that
it writes, which is more than half of the time of a page. Ours reads the attribute, so that a page
object must have what its template names, and writes what escaping returns. What is escaped, and
how, is as ever.

https://jinja.palletsprojects.com/en/stable/api/#jinja2.Environment.code_generator_class
"""

from __future__ import annotations

from functools import partial
from keyword import iskeyword
from typing import TYPE_CHECKING

from flask.templating import Environment
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, escape

try:
    from markupsafe._speedups import _escape_inner
except ImportError:  # a build without it
    _escape_inner = escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from jinja2 import nodes
    from jinja2.compiler import Frame


#: Text with its special characters escaped.
escaped: Callable[[str], str] = _escape_inner
#: Markup of text that is escaped already, without asking whether it is markup itself.
marked: Callable[[str], Markup] = partial(str.__new__, Markup)


def written(value: object) -> str:
    """Return what is no plain text as it stands in a page: markup as it is, all else escaped.

    >>> written(Markup("<b>")), written(7), written(None)
    (Markup('<b>'), '7', Markup('None'))
    """
    if type(value) is int:
        return str(value)
    return value if type(value) is Markup else escape(value)


class Generator(CodeGenerator):
    """Writes the Python of a template."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 (Jinja's name)
        """Write `value.name`: a mapping's items are asked for by `value["name"]`."""
        if iskeyword(node.attr):
            super().visit_Getattr(node, frame)
            return
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """Write the template, and what its values are written with."""
        super().visit_Template(node, frame)
        self.writeline("escaped, written = environment.escaped, environment.written")

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        if self._is_usual(frame):
            self.write("(escaped(_value) if type(_value := ")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        if self._is_usual(frame):
            self.write(") is str else written(_value))")
        else:
            super()._output_child_post(node, frame, finalize)

    def _is_usual(self, frame: Frame) -> bool:
        return frame.eval_ctx.autoescape and not frame.eval_ctx.volatile


class Pages(Environment):
    """The environment of the pages' templates."""

    code_generator_class = Generator
    escaped = staticmethod(escaped)
    written = staticmethod(written)


def install(app: Flask) -> None:
    """Let an application compile its templates so; ahead of whatever asks for its environment."""
    app.jinja_environment = Pages


def compile_all(app: Flask) -> None:
    """Compile every template now, instead of at the first request that needs it."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
