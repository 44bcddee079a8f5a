"""From AWS to the pager: simulated AWS, real exporters, Prometheus and Alertmanager, and what arrives at the end."""

import re
from pathlib import Path

import pytest

from testbed.chain import Message
from testbed.programs import REPOSITORY
from tests.end_to_end.stage import Stage, stage

README = REPOSITORY / "alerts" / "README.md"
SINCE = re.compile(r"(?<=since )\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d \+0000)? UTC")

pytestmark = pytest.mark.timeout(240)


def example_page() -> str:
    """The page that the README shows."""
    shown = re.search(r"^## What a page says\n.*?^```text\n(.*?)\n```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert shown
    return shown[1]


def as_shown(page: Message) -> str:
    """A page with the README's times in place of its own."""
    times = iter(SINCE.findall(example_page()))
    return SINCE.sub(lambda own: next(times, "one more"), f"{page.title}\n\n{page.text}")


def muted_of(one: Stage) -> list[tuple[str, str]]:
    return [("AwsVpnTunnelWontRecoverAlone", address) for address in one.mill.addresses]


def one_conversation(messages: list[Message]) -> bool:
    return len({message.conversation for message in messages}) == 1


def test_an_outage_is_one_page_and_one_resolved_notice(tmp_path: Path) -> None:
    with stage(tmp_path) as one:
        one.mill.up = (False, False)
        page = one.until_messages("pager", True)[0]
        assert as_shown(page) == example_page()

        # These take longer than Alertmanager would wait with a second page.
        one.until_muted(*muted_of(one))
        assert one.mailbox.messages() == [page]

        # Half of it is back: the page ends, and what it muted is heard.
        one.mill.up = (True, False)
        pages = one.until_messages("pager", True, False)
        assert one_conversation(pages)
        assert pages[1].title == f"RESOLVED: {page.title}"
        warning = one.until_messages("chat", True)[0]
        assert "1 of 2 tunnels are up" in warning.text

        one.mill.up = (True, True)
        one.until_messages("chat", True, False)
        one.until_messages("pager", True, False)
        assert not [message for message in one.mailbox.messages() if one.harbour.connection in message.text]


def test_two_replicas_page_once_also_when_one_dies(tmp_path: Path) -> None:
    with stage(tmp_path, replicas=2, old=True) as two:
        two.mill.up = (False, False)
        two.until_messages("pager", True)

        two.exporters[0].process.kill()
        two.until('count(up{job="aws-vpn-exporter"} == 0) == 1')
        two.until_muted(*muted_of(two))
        two.until_messages("pager", True)

        two.mill.up = (True, True)
        assert one_conversation(two.until_messages("pager", True, False))
        assert {message.receiver for message in two.mailbox.messages()} == {"pager"}


def test_a_page_outlasts_a_target_that_fails(tmp_path: Path) -> None:
    with stage(tmp_path) as blind:
        blind.mill.up = (False, False)
        blind.until_messages("pager", True)

        blind.aws.fail("DescribeVpnConnections", "denied")
        warning = blind.until_messages("chat", True)[0]
        assert "(cause: denied): nobody sees whether its VPN connections are up." in warning.text
        blind.until_muted(("AwsVpnConnectionDown", blind.mill.connection))
        # The exporter no longer shows what it knew before, and the page has not ended for that.
        blind.until("absent(aws_vpn_connection_tunnels_up)")
        assert [page.firing for page in blind.pages()] == [True]

        # The first answer says that both are over: the warning must not mute the page's end.
        blind.mill.up = (True, True)
        blind.aws.heal()
        blind.until_messages("chat", True, False)
        blind.until_pages(True, False)
        assert one_conversation(blind.pages())
