"""What check-config says about regions, about web configurations and about large files."""

from pathlib import Path

import pytest

from aws_vpn_exporter.cli import main


def test_a_region_that_aws_does_not_have_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "regions: [eu-west-1, eu-wst-1, us-gov-west-1, cn-north-1]\n"
        "accounts: [{regions: [xx-nowhere-9]}]\norganization: {role_name: x, regions: [ap-south-7]}\n"
    )
    assert main(["check-config", f"--config.file={file}"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Region: ")]
    assert [line.split()[1] for line in said] == ["ap-south-7", "eu-wst-1", "xx-nowhere-9"]
    assert said[1].endswith("did you mean eu-west-1?")


@pytest.mark.parametrize("user", ["prom:canary", "canary pass", "prom:canary: x", "canary", "- prom:canary"])
def test_the_web_configuration_never_quotes_what_may_be_a_password(
    user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "web.yaml"
    for text in (f"basic_auth_users: {{{user}}}", f"basic_auth_users:\n  {user}", f"{{{user}}}", user):
        file.write_text(text)
        assert main(["check-config", f"--web.config.file={file}"]) == 1
        said = capsys.readouterr().err
        assert f"{file}:" in said
        assert "canary" not in said


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number}: 1\n" for number in range(80_000)),
        "policies:\n" + "".join(f"- {{match: {{ids: [vpx-{number:x}]}}}}\n" for number in range(20_000)),
        "tags: [" + ",".join(f"t.{number}" for number in range(80_000)) + ",t_0]",
        "policies:\n- match: all\n  customer_gateway: {" + ",".join(f"k{number}: 1" for number in range(80_000)) + "}",
    ],
    ids=["keys", "policies", "tags", "options"],
)
@pytest.mark.timeout(60)
def test_a_large_file_of_errors_is_refused_in_a_few_words(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    assert main(["check-config", f"--config.file={file}"]) == 1
    assert len(capsys.readouterr().err.splitlines()) < 100
