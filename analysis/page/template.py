"""Where the templates are, and what reads them."""

from pathlib import Path

import jinja2

FOLDER = Path(__file__).with_name("templates")


def environment() -> jinja2.Environment:
    """What reads the templates: text is escaped in HTML, and a name that is not there is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=jinja2.select_autoescape(("html",)),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
