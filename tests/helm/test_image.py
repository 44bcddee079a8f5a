"""The recipe of the container image; building it needs a container engine and is left to the release."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from testbed.programs import REPOSITORY
from tests.support.real_programs import missing

DOCKERFILE = REPOSITORY / "Dockerfile"


def test_hadolint_has_nothing_to_say() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.is_file() else shutil.which("hadolint")
    run = subprocess.run(
        [hadolint or missing("hadolint is not installed"), DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = set(re.findall(r"^!(.+)$", (REPOSITORY / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    copied = {source for line in copies for source in line.split()}
    assert copied == allowed
    assert all((REPOSITORY / source).exists() for source in copied)
