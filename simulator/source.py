"""How sure we are: every claim about a vendor carries where it stands and a mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mark = Literal["doc", "seen", "guess"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a claim stands (public page or recording), and how sure we are: documented, seen, guessed."""

    where: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Trap:
    """A habit of a vendor that real integrations stumble over: id, one sentence, source; `by`, the control call that it
    hangs on, where that is no setting."""

    id: str
    says: str
    source: Source
    by: str = ""
