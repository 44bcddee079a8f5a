"""Each cause over the wire: where it is right, where another fact refutes it, and where its evidence is missing.

A story says what AWS answers; the best cause comes out in JSON, text, metric and page alike.
"""

import re
from collections.abc import Mapping

import pytest

from aws_vpn_exporter.diagnosis.cause import CauseKind
from tests.diagnosis.stage import KEY, Story, tell
from tests.diagnosis.stories import MISSING, REFUTED, RIGHT

NEVER_LIKELY = ("will_not_recover_alone", "unknown")
"""Causes that stand first only where nothing is known of the fall."""


@pytest.mark.parametrize("kind", [kind for kind in CauseKind if kind is not CauseKind.UNKNOWN])
@pytest.mark.parametrize("stories", [RIGHT, REFUTED, MISSING], ids=["right", "refuted", "missing"])
def test_each_cause_is_told_right_refuted_and_without_its_evidence(
    kind: CauseKind, stories: Mapping[str, tuple[Story, str]]
) -> None:
    assert kind in {cause for _, cause in stories.values()}


@pytest.mark.parametrize(("told", "cause"), RIGHT.values(), ids=RIGHT.keys())
def test_the_right_cause_comes_first_everywhere(told: Story, cause: str) -> None:
    result = tell(told)
    assert result.first[0] == cause
    assert KEY not in result.text + result.json + result.metrics + result.page
    first = result.causes[0]
    detail = f": {first['detail']}" if first["detail"] else ""
    assert re.search(rf"cause \d: {cause.replace('_', ' ')} \({first['confidence']}\){detail}", result.text)
    assert f'cause="{cause}",confidence="{first["confidence"]}"' in result.metrics
    assert first["remedy"] in result.page
    if cause not in NEVER_LIKELY:
        assert first["confidence"] == "likely"


@pytest.mark.parametrize(("told", "cause"), REFUTED.values(), ids=REFUTED.keys())
def test_a_cause_that_is_refuted_is_never_likely(told: Story, cause: str) -> None:
    result = tell(told)
    assert cause not in result.likely
    for one in result.causes:
        if one["cause"] == cause:
            assert one["against"] or not one["evidence"] or cause in ("rekey_mismatch", "negotiation_blocked")
            for sentence in one["against"]:
                assert sentence in result.text


@pytest.mark.parametrize(("told", "cause"), MISSING.values(), ids=MISSING.keys())
def test_a_cause_without_its_evidence_is_never_likely(told: Story, cause: str) -> None:
    assert cause not in tell(told).likely
