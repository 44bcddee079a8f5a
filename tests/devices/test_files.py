"""Each file under files/ stands beside what is read in it, or why it is refused; `--rewrite` writes that anew."""

from pathlib import Path

import pytest

from aws_vpn_exporter.devices import READERS, DeviceError, DeviceSettings, Peer, read, read_file
from aws_vpn_exporter.options import BY_NAME, text

FILES = Path(__file__).parent / "files"
SAME_KEY = {"esp": "phase2alg", "lifetime": "keylife"}
CASES = sorted(FILES.glob("*.conf"))


def shown(settings: DeviceSettings) -> str:
    lines = [settings.format, *(f"gap: {gap}" for gap in settings.gaps)]
    for address, peer in settings.by_address().items():
        lines += ["", f"{address}: {peer.name}"]
        lines += [f"  {BY_NAME[name].key}: {text(value)}  ({origin})" for name, (value, origin) in peer.stated.items()]
        for gap in peer.gaps:
            lines.append(f"  gap: {gap}{''.join(f' [{BY_NAME[name].key}]' for name in gap.options)}")
    return "\n".join(lines) + "\n"


def outcome(file: Path) -> str:
    try:
        return shown(read_file(file))
    except DeviceError as error:
        return str(error).replace(f"{FILES}/", "") + "\n"


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_what_is_read_in_a_file(file: Path, request: pytest.FixtureRequest) -> None:
    expected = file.with_suffix(".expected")
    if request.config.getoption("--rewrite"):
        expected.write_text(outcome(file))
    assert outcome(file) == expected.read_text()
    assert file.stem.startswith("refused-") == outcome(file).startswith(f"{file.name}: ") or "only" in file.stem


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_no_secret_of_a_file_is_kept(file: Path) -> None:
    assert "made-up" not in outcome(file)
    assert "bWFkZS11cC1zZWNyZXQ" not in outcome(file)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_each_value_says_where_it_comes_from_and_the_line_is_right(file: Path) -> None:
    if file.stem.startswith("refused-") or "only-includes" in file.stem:
        return
    for peer in read_file(file).peers:
        for stated in peer.stated.values():
            for part in stated.origin.split("; "):
                key, found, rest = part.partition(" (line ")
                number, _, other = rest.split(")")[0].partition(" of ")
                if found and not key.startswith("no "):
                    line = (FILES / (other or file.name)).read_text().splitlines()[int(number) - 1]
                    key = key.split(", ")[0].split()[-1]
                    assert any(word[:4] in line for word in (key, SAME_KEY.get(key, key))), part


def peer(text: str, at: str) -> Peer | None:
    return read(text).peer(at)


def test_another_address_has_no_peer() -> None:
    assert read_file(FILES / "ios-ikev1.conf").peer("203.0.113.99") is None


def test_an_address_is_found_in_every_spelling() -> None:
    assert peer("connections { a { remote_addrs = 2001:DB8:0::1\n } }", "2001:db8::1") is not None


def test_two_peers_that_agree_are_one_and_two_that_disagree_state_nothing() -> None:
    one = "{} {{ version = {}\n remote_addrs = 192.0.2.1\n }}\n"
    agreed, apart = (
        peer(f"connections {{ {one.format('a', 2)} {one.format('b', version)} }}", "192.0.2.1") for version in (2, 1)
    )
    assert agreed is not None
    assert agreed.options["IkeVersions"] == ("ikev2",)
    assert apart is not None
    assert apart.options == {}
    assert any("disagree on ike_versions" in gap.about for gap in apart.gaps)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="1 MiB"):
        read("connections {\n" + "x" * 1024 * 1024)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DeviceError, match="1 MiB"):
        read_file(tmp_path / "huge")


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_what_is_no_plain_file_is_refused(path: str) -> None:
    with pytest.raises(DeviceError, match="is not a regular file"):
        read_file(Path(path))


def test_includes_that_never_end_end(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.conf").write_text("include *.conf\n" * 3)
    (tmp_path / "main").write_text("include *.conf\nconnections { a { remote_addrs = 192.0.2.1\n } }\n")
    found = read_file(tmp_path / "main").peer("192.0.2.1")
    assert found is not None
    assert found.options == {}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "other.conf").write_text("connections { a { remote_addrs = 192.0.2.1\n } }\n")
    (inside / "link.conf").symlink_to(tmp_path / "other.conf")
    (inside / "main").write_text("include link.conf\n")
    with pytest.raises(DeviceError, match="outside the folder"):
        read_file(inside / "main")


def test_each_reader_has_a_title_of_its_own() -> None:
    assert len({reader.title for reader in READERS}) == len(READERS)
