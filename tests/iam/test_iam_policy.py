"""`iam-policy` for each file under iam/: what it prints in each format stands beside it, and is well formed."""

import json
from pathlib import Path

import hcl2
import pytest

from aws_vpn_exporter.cli import main

HERE = Path(__file__).parent
HUB = ("--hub-role-arn=arn:aws:iam::999999999999:role/exporter", "--organization-id=o-abcdefghij")


@pytest.mark.parametrize("form", ["json", "terraform", "cloudformation"])
@pytest.mark.parametrize("file", sorted(HERE.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_policies_are_the_least_that_is_needed(
    file: Path, form: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    assert main(["iam-policy", f"--config.file={file}", f"--format={form}", *HUB]) == 0
    printed, expected = capsys.readouterr().out, file.with_suffix(f".{form}.txt")
    if request.config.getoption("--rewrite"):
        expected.write_text(printed)
    assert printed == expected.read_text()
    if form == "terraform":
        assert hcl2.loads(printed)["resource"]
    else:
        assert json.loads(printed)
