"""Whatever the text: no reader crashes or hangs, and no secret comes out of it."""

import contextlib
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_vpn_exporter.devices import READERS, DeviceError, Reader, read
from aws_vpn_exporter.devices.settings import READABLE, DeviceSettings
from aws_vpn_exporter.devices.source import source
from aws_vpn_exporter.options import OPTIONS

FILES = {path.name: path.read_text() for path in sorted((Path(__file__).parent / "files").glob("*.conf"))}
KINDS = {option.name: type(option.default) for option in OPTIONS}

WORDS = [
    "connections",
    "aws",
    "children",
    "net",
    "{",
    "}",
    "=",
    ":",
    ",",
    "#",
    '"',
    "\\",
    "include",
    "version",
    "proposals",
    "default",
    "0",
    "1h",
    "10%",
    "-1",
    "life_time",
    "rekey_time",
    "secret",
    "crypto",
    "isakmp",
    "policy",
    "ikev2",
    "profile",
    "proposal",
    "map",
    "ipsec-isakmp",
    "set",
    "peer",
    "203.0.113.17",
    "transform-set",
    "esp-aes",
    "256",
    "pfs",
    "group14",
    "group",
    "lifetime",
    "seconds",
    "interface",
    "Tunnel1",
    "tunnel",
    "protection",
    "ipsec",
    "destination",
    "exit",
    "end",
    "!",
    "key",
    "aes256-sha256-modp2048",
    "conn",
    "%default",
    "also=",
    "auto=start",
    "right=203.0.113.17",
    "ike=aes128;dh2",
    "tunnel-group",
    "ikev1",
    "ipsec-proposal",
    "protocol",
    "esp",
    "site-to-site",
    "vpn",
    "ike-group",
    "remote-address",
    "config",
    "edit",
    "next",
    "phase1-interface",
    "phase1name",
    "remote-gw",
    "keylife",
    "٣",
    "²",
]
SOUP = st.lists(st.sampled_from([*WORDS, "\n", "\n ", " "]), max_size=200).map(" ".join)
"""Words of both languages in any order."""


def check(result: DeviceSettings) -> None:
    for peer in result.peers:
        assert set(peer.options) <= set(READABLE)
        for name, value in peer.options.items():
            assert type(value) is KINDS[name]
    result.peer("203.0.113.17")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.title)
@given(text=st.text(max_size=2000) | SOUP)
@settings(max_examples=300, deadline=timedelta(seconds=1))
def test_any_text_is_read_without_a_crash(reader: Reader, text: str) -> None:
    check(reader.read(source(text)))


@given(text=st.text(max_size=500) | SOUP)
@settings(max_examples=200, deadline=timedelta(seconds=1))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DeviceError):
        check(read(text))


@given(
    name=st.sampled_from(sorted(FILES)),
    cuts=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), st.sampled_from(["", *WORDS, "\n"])), max_size=8),
)
@settings(max_examples=500, deadline=timedelta(seconds=1))
def test_a_damaged_file_shows_none_of_its_secrets(name: str, cuts: list[tuple[int, int, str]]) -> None:
    text = FILES[name]
    for start, length, put in cuts:
        at = start % (len(text) + 1)
        text = text[:at] + put + text[at + length :]
    for reader in READERS:
        result = reader.read(source(text))
        check(result)
        assert "made-up" not in repr(result)
        assert "bWFkZS11cC1zZWNyZXQ" not in repr(result)


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=8, max_size=40)


@given(secret=SECRETS)
@settings(max_examples=300, deadline=timedelta(seconds=1))
def test_any_quoted_secret_of_swanctl_stays_unseen(secret: str) -> None:
    marked = f"{secret}-0MARK0-{secret}"
    text = FILES["swanctl-includes-unread.conf"].replace("made-up-{secret}-one", marked)
    result = read(text)
    assert "0MARK0" not in repr(result)
    assert result == read(FILES["swanctl-includes-unread.conf"])


@given(secret=SECRETS)
@settings(max_examples=300, deadline=timedelta(seconds=1))
def test_any_key_of_ios_stays_unseen(secret: str) -> None:
    marked = f"{secret}-0MARK0"
    result = read(FILES["ios-ikev1.conf"].replace("made-up-secret-two", marked))
    assert "0MARK0" not in repr(result)
    assert result == read(FILES["ios-ikev1.conf"])


LONG = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "connections {" + "a" * LONG,
        "connections {" + "a " * LONG,
        "connections {\n" + "a : " * LONG,
        "connections {\n" + "a {\n" * LONG,
        "connections {\n" + "}\n" * LONG,
        "connections {\n" + 'a = "' * LONG,
        "connections {\n" + '"\\' * LONG,
        "connections {\n" + 'secret = "\\' * (LONG // 5),
        "connections {\n" + "secret " + " " * LONG,
        "connections {\n" + "a" + "\n" * LONG + "b",
        "connections { a { proposals = " + "aes256-" * LONG + "\n}}",
        "connections { a { remote_addrs = " + "1.1.1.1," * LONG + "\n}}",
        "crypto map M 1 ipsec-isakmp\n" + " set peer 1.1.1.1\n" * LONG,
        "crypto map M 1 ipsec-isakmp\n set transform-set " + "T " * LONG,
        "crypto isakmp policy 1\n" + " lifetime 3600\n" * (LONG // 10),
        "crypto isakmp policy 1\n" * 10_000 + "crypto map M 1 ipsec-isakmp\n set peer 1.1.1.1\n",
        "crypto map M 1 ipsec-isakmp\n set peer 1.1.1.1\n" * 3_000,
        "crypto isakmp policy 1\n" + " " * LONG + "x",
        "".join(f"crypto map M {n} ipsec-isakmp\n set peer 10.{n // 250}.{n % 250}.1\n" for n in range(9000))
        + "".join(f"crypto isakmp policy {n}\n encr aes\n" for n in range(9000)),
        "".join(f"crypto map M {n} set peer 1.1.1.1\ncrypto map M {n} set ikev1 transform-set T\n" for n in range(9000))
        + "crypto ikev1 policy 1\n encryption aes\n" * 9000,
        "connections {\n" + "".join(f"c{n} : c{n + 1}, c{n + 2} {{ remote_addrs = 1.1.1.1\n}}\n" for n in range(5000)),
        "t { children { " + "a { }\n" * 3000 + "}}\nconnections {\n" + "c : t { remote_addrs = 1.1.1.1\n}\n" * 3000,
        "".join(f"conn c{n}\n also=c{n + 1}\n auto=add\n right=1.1.1.1\n" for n in range(9000)),
        "conn a\n" + " also=a\n" * LONG,
        "".join(f"set vpn ipsec site-to-site peer 10.0.{n // 250}.{n % 250} ike-group A\n" for n in range(9000)),
        "vpn {\n" * LONG,
        "config vpn ipsec phase1-interface\n" + "edit a\n" * LONG,
        "config vpn ipsec phase2-interface\n" + "edit a\nset phase1name b\nnext\n" * 9000,
    ],
    ids=lambda text: repr(text[:40]),
)
def test_no_file_makes_a_reader_hang(text: str) -> None:
    start = time.process_time()
    for reader in READERS:
        reader.read(source(text)).by_address()
    assert time.process_time() - start < 20
