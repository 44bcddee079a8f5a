"""Each file under config/bad/ stands beside its exact complaint, each under config/good/ beside what it means."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_vpn_exporter.cli import main
from aws_vpn_exporter.config import ConfigError, read

HERE = Path(__file__).parent


def outcome(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["check-config", f"--config.file={file}"])
    said = capsys.readouterr()
    return code, (said.out + said.err).replace(f"{HERE}/", "")


def compare(said: str, expected: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite"):
        expected.write_text(said)
    assert said == expected.read_text()


@pytest.mark.parametrize("file", sorted(HERE.glob("bad/*.yaml")), ids=lambda file: file.stem)
def test_a_bad_file_is_refused_in_words(
    file: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    code, said = outcome(file, capsys)
    assert code == 1
    compare(said, file.with_suffix(".txt"), request)


@pytest.mark.parametrize("file", sorted(HERE.glob("good/*.yaml")), ids=lambda file: file.stem)
def test_a_good_file_is_understood(
    file: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    code, said = outcome(file, capsys)
    assert code == 0
    compare(said, file.with_suffix(".txt"), request)


def test_a_file_of_more_than_a_mebibyte_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("#" * (1024 * 1024 + 1))
    code, said = outcome(file, capsys)
    assert (code, said) == (1, f"aws-vpn-exporter: {file}: is larger than 1 MiB; a configuration is far smaller\n")


@pytest.mark.parametrize(("name", "why"), [("missing.yaml", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_refused(
    name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = outcome(tmp_path / name, capsys)
    assert code == 1
    assert why in said


@given(st.binary(max_size=200) | st.text(alphabet="regionspl:[]{}-&*! \n\t'\"#012", max_size=200).map(str.encode))
def test_no_bytes_at_all_give_anything_but_a_config_or_a_complaint(raw: bytes) -> None:
    with suppress(ConfigError):
        read(raw, "file.yaml")
