"""Files of a bundle: a path, its bytes, and the definitions that it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a built tree; ``path`` with forward slashes, ``origins`` the definitions that made it."""

    path: str
    content: bytes
    origins: tuple[Place, ...] = field(default=(), compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the content in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def text_file(path: str, text: str, origins: tuple[Place | None, ...] = ()) -> File:
    """A file of UTF-8 text; unknown origins are left out, the rest sorted and made unique."""
    known = tuple(sorted({origin for origin in origins if origin is not None}))
    return File(path=path, content=text.encode(), origins=known)
