"""Every mail of the agency with made-up data, as notifications shows it: asked of its command, because nothing here
may import a service.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

from local import ROOT, Problem


@dataclass
class Previews:
    """The page of one agency's folder, made when it is first looked at and kept while the folder is unchanged."""

    folder: Path
    _page: str = ""
    _made_from: float = 0.0
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self) -> str:
        """The page as HTML. Raises Problem with what the command said."""
        async with self._making:
            newest = max(file.stat().st_mtime for file in self.folder.rglob("*"))
            if newest != self._made_from:
                self._page, self._made_from = await _made(self.folder), newest
            return self._page


async def _made(folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notifications", "preview", "--agency", str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    page, said = await process.communicate()
    if process.returncode != 0:
        raise Problem(f"The mails cannot be shown: {said.decode(errors='replace').strip()}")
    return page.decode()
