"""Other processes that work on the same ledger, and die when they are told to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python on a program text; it says on standard output where it is."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    """Wait until the process says a word."""
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == word:
            return
    raise AssertionError(f"it ended with {process.wait()} and never said {word}")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the process as if the power had gone, and wait until it is gone."""
    process.kill()
    process.communicate()


def finish(process: subprocess.Popen[str]) -> int:
    """Wait for the process to end by itself, and return its exit code."""
    process.communicate(timeout=60)
    return process.returncode
