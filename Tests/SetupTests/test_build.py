"""What a build says: a line at each tenth of the way, and where it fails what was wrong."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "deploy/local/build"
STEPS = "".join(f"[{step}/200] Compiling Gateway File{step}.swift\n" for step in range(1, 201))


class BuildTests(unittest.TestCase):
    def build(self, output: str, status: int) -> subprocess.CompletedProcess:
        """Runs it with a compiler that prints this and ends so."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name, "home")
        swift, said = Path(folder.name, "swift"), Path(folder.name, "said")
        said.write_text(output)
        swift.write_text(f'#!/bin/sh\ncat "{said}"\nexit {status}\n')
        swift.chmod(0o755)
        environment = {**os.environ, "PATH": f"{folder.name}:{os.environ['PATH']}", "MIEN_HOME": str(self.home)}
        return subprocess.run([BUILD, "--build-tests"], env=environment, capture_output=True, text=True)

    def test_says_each_tenth_once(self) -> None:
        fetching = "".join(f"Fetching https://example.org/{name}\nFetched https://example.org/{name}\n" for name in "ab")
        tools = "[0/1] Planning build\n[1/1] Compiling plugin GenerateManual\n[2/2] Compiling plugin Another\n"
        result = self.build(fetching + tools + STEPS, 0)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        expected = ["mien: fetching Swift packages"]
        expected += [f"mien: built {20 * tenth} of 200 steps" for tenth in range(1, 11)]
        self.assertEqual(result.stdout.splitlines(), expected)
        self.assertIn("File137.swift", (self.home / "log/build.log").read_text())

    def test_says_what_was_wrong_and_fails(self) -> None:
        result = self.build(STEPS + "Gateway.swift:3:1: error: cannot find 'x' in scope\n", 1)
        self.assertNotEqual(result.returncode, 0)
        errors = result.stderr.splitlines()
        self.assertEqual(errors[0], "Gateway.swift:3:1: error: cannot find 'x' in scope")
        self.assertIn("The build failed", errors[1])
        self.assertEqual(len(errors), 2)


if __name__ == "__main__":
    unittest.main()
