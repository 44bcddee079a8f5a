"""The synthetic sites that the silence rules are measured on: the same each time, the truth apart."""

import json
import subprocess
import sys
from pathlib import Path

from testbed.programs import REPOSITORY

TUNNELS = 6


def written(file: Path, seed: int) -> tuple[str, list[dict[str, object]]]:
    """The metrics and the truth of a fleet."""
    command = [sys.executable, "-m", "tools.silence", f"--write={file}", f"--tunnels={TUNNELS}", f"--seed={seed}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return file.read_text(), [json.loads(line) for line in done.stdout.splitlines()]


def test_a_seed_gives_the_same_fleet_and_another_seed_another_one(tmp_path: Path) -> None:
    first, again, other = (written(tmp_path / f"{number}.om", seed) for number, seed in enumerate((1, 1, 2)))
    assert first == again
    assert first[0] != other[0]


def test_the_metrics_do_not_tell_the_truth(tmp_path: Path) -> None:
    metrics, truth = written(tmp_path / "fleet.om", 1)
    assert len(truth) == TUNNELS / 2
    assert metrics.endswith("# EOF\n")
    names = {line.partition("{")[0] for line in metrics.splitlines()} - {"# EOF"}
    assert names == {
        "aws_vpn_tunnel_up",
        "aws_vpn_tunnel_standby",
        "aws_vpn_tunnel_receive_bytes_per_second",
        "aws_vpn_tunnel_transmit_bytes_per_second",
        "aws_vpn_tunnel_traffic_timestamp_seconds",
    }
    for one in truth:
        assert str(one["profile"]) not in metrics
