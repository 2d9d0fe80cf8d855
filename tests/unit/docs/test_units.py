"""The files of the installation guide are understood by the programs that read them."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess

import fixtures
import testtools

from tests import documents

GUIDE = documents.SOURCE / "install" / "service.rst"


class UnitsTest(testtools.TestCase):
    def test_systemd(self) -> None:
        if shutil.which("systemd-analyze") is None:
            self.skipTest(
                "no systemd-analyze on this machine: the units of the guide are not checked"
            )
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        paths = []
        for block in documents.blocks(GUIDE):
            if block.caption and block.caption.endswith(".service"):
                # The programs are not installed here; that they start is seen by the walk.
                text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", block.text)
                name = pathlib.PurePath(block.caption).name.replace("@.", "@1.")
                paths.append(folder / name)
                paths[-1].write_text(text)
        self.assertEqual(2, len(paths))
        self.assertEqual([], self.complaints(*paths))
        paths[0].write_text(paths[0].read_text().replace("Restart=", "Restrt="))
        self.assertNotEqual([], self.complaints(paths[0]))

    def complaints(self, *paths: pathlib.Path) -> list[str]:
        """What is said of these; other units of the machine may have faults of their own."""
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *map(str, paths)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return [line for line in done.stderr.splitlines() if "glint" in line]
