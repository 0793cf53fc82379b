"""Projects of folders, looked up once for each piece of work."""

from __future__ import annotations

from ..errors import InvalidInput
from .identity import Project, ignored, project_of


class ProjectLookup:
    """Projects of folders, remembered; short-lived, so that an ignore file made later counts."""

    def __init__(self) -> None:
        """Start without any project."""
        self._projects: dict[str, Project | None] = {}
        self._ignored: dict[str, bool] = {}

    def project(self, cwd: str) -> str | None:
        """Return the name of the folder's project; None for a path that can be no folder's."""
        if cwd not in self._projects:
            try:
                self._projects[cwd] = project_of(cwd)
            except InvalidInput:
                self._projects[cwd] = None
        found = self._projects[cwd]
        return None if found is None else found.name

    def found(self) -> list[Project]:
        """Return every project that was looked up, each once."""
        return list(dict.fromkeys(one for one in self._projects.values() if one is not None))

    def ignored(self, cwd: str) -> bool:
        """Return whether a `.iai-mcp-ignore` keeps memory out of the folder.

        Raises:
            ForeignFileFault: The folder is on a mount that does not answer, so nobody can say.
        """
        if cwd not in self._ignored:
            try:
                self._ignored[cwd] = ignored(cwd)
            except InvalidInput:
                self._ignored[cwd] = False
        return self._ignored[cwd]
