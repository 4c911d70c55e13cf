"""search.*: the searches that people keep.

What a private one is called and searches for stays out of the log, which more people read than the one it belongs to.
"""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Change
from minutebook.model import Target

PRIVATE = "A private search"


@action(
    "search.save",
    title="Search saved",
    severity=Severity.LOW,
    ocsf=ocsf.CREATE,
    says="Saved a search[ for everybody: {name}][, {query}]",
    since="0.1",
)
class SearchSaved(Details):
    """Someone kept a search, or put it in the place of the one that was called so; name and query only of a shared
    one."""

    search: str
    shared: bool
    replaced: bool
    name: str | None = None
    query: Change | None = None

    def targets(self) -> tuple[Target, ...]:
        return (Target("search", self.search, self.name or PRIVATE),)


@action(
    "search.rename",
    title="Search renamed",
    severity=Severity.LOW,
    ocsf=ocsf.UPDATE,
    says="Renamed a search[ for everybody: {name}]",
    since="0.1",
)
class SearchRenamed(Details):
    """Whoever saved a search, or of a shared one an owner or admin, called it something else; its address stayed."""

    search: str
    shared: bool
    name: Change | None = None

    def targets(self) -> tuple[Target, ...]:
        return (Target("search", self.search, (self.name and self.name.after) or PRIVATE),)


@action(
    "search.delete",
    title="Search deleted",
    severity=Severity.LOW,
    ocsf=ocsf.DELETE,
    says="Deleted a search[ for everybody: {name}]",
    since="0.1",
)
class SearchDeleted(Details):
    """Whoever saved a search, or of a shared one an owner or admin, deleted it."""

    search: str
    shared: bool
    name: str | None = None

    def targets(self) -> tuple[Target, ...]:
        return (Target("search", self.search, self.name or PRIVATE),)
