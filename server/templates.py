"""The pages' templates. What they are filled in by is loaded with the first page that somebody looks at."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

PAGES_FOLDER = Path(__file__).parent / "pages"


class Templates:
    """``page`` is what a template calls so."""

    def render(self, name: str, page: object) -> str:
        """The page, whatever is in it escaped."""
        return self._environment.get_template(name).render(page=page)

    @cached_property
    def _environment(self) -> jinja2.Environment:
        import jinja2

        from server import wording
        from server.description import usage

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(PAGES_FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        environment.filters.update({**wording.FILTERS, **usage.FILTERS})
        return environment
