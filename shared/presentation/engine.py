"""The template engine of mails and pages, and the compiling of templates beforehand."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined, select_autoescape

# Beside the templates in a staged folder: Python modules made of them, so that a function does not
# spend its first request on compiling.
COMPILED = "compiled"
EXTENSIONS = ("css", "html", "txt")


def engine(folder: Path) -> Environment:
    """Return the engine for the templates in ``folder``, compiled ones where there are any.

    What goes into HTML is escaped, text is not. A name that is not known is an error.
    """
    compiled = folder / COMPILED
    return Environment(
        loader=ModuleLoader(compiled) if compiled.is_dir() else FileSystemLoader(folder),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def compile_all(folder: Path, destination: Path) -> None:
    """Compile all templates in ``folder`` into modules in ``destination``, always the same ones."""
    engine(folder).compile_templates(destination, extensions=EXTENSIONS, zip=None)
