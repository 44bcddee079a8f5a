"""CloudTrail: LookupEvents by the name of an event."""

import json
from collections.abc import Mapping

from ..backend import CallRecord, ChangeRecords
from .calls import Call, Operations
from .paging import page

_MOST_EVENTS = 50


def operations(changes: ChangeRecords) -> Operations:
    """Return the operations of CloudTrail."""

    def lookup_events(call: Call) -> Mapping[str, object]:
        """Return the calls of one name between two times, newest first."""
        asked = call.parameters
        names = {
            one["AttributeValue"] for one in asked.get("LookupAttributes", ()) if one["AttributeKey"] == "EventName"
        }
        begin, end = float(asked.get("StartTime", 0)), float(asked.get("EndTime", 1e14))
        records = [one for one in changes.calls(call.region, begin, end) if not names or one.event in names]
        size = min(int(asked.get("MaxResults", _MOST_EVENTS)), _MOST_EVENTS)
        found, token = page(sorted(records, key=lambda one: -one.time), asked.get("NextToken"), size)
        return {"Events": [_event(record) for record in found], "NextToken": token}

    return {("cloudtrail", "LookupEvents"): lookup_events}


def _event(record: CallRecord) -> Mapping[str, object]:
    # EC2 wraps the parameters of newer calls once more, and CloudTrail hides what is secret.
    parameters = {f"{record.event}Request": dict(record.parameters)}
    detail = {"eventName": record.event, "userIdentity": {"arn": record.actor}, "requestParameters": parameters}
    return {
        "EventId": f"{record.event}/{record.time}",
        "EventName": record.event,
        "EventSource": "ec2.amazonaws.com",
        "EventTime": record.time,
        "Username": record.actor,
        "ReadOnly": "false",
        "CloudTrailEvent": json.dumps(detail),
    }
