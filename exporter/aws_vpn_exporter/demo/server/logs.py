"""CloudWatch Logs: FilterLogEvents, with the prefix of a stream's name, or one quoted term, as the only filters."""

from collections.abc import Mapping
from zlib import crc32

from ..backend import LogRecord, OptionalSources
from ..faults import Refusal, RefusedError
from .calls import Call, Operations
from .paging import page

_NO_SUCH_GROUP = Refusal(400, "ResourceNotFoundException", "The specified log group does not exist.")
_INGESTION_DELAY_MS = 400


def operations(sources: OptionalSources, page_size: int) -> Operations:
    """Return the operations of CloudWatch Logs; an answer has at most `page_size` events."""

    def filter_log_events(call: Call) -> Mapping[str, object]:
        """Return the events of all streams of a log group, oldest first."""
        asked = call.parameters
        group = asked.get("logGroupIdentifier") or asked.get("logGroupName") or ""
        begin_ms, end_ms = float(asked.get("startTime", 0)), float(asked.get("endTime", 1e14))
        records = sources.log(call.region, str(group), begin_ms / 1000, end_ms / 1000)
        if records is None:
            raise RefusedError(_NO_SUCH_GROUP)
        prefix, term = str(asked.get("logStreamNamePrefix", "")), str(asked.get("filterPattern", "")).strip('"')
        records = [one for one in records if one.stream.startswith(prefix) and term in one.message]
        ordered = sorted(records, key=lambda record: record.time)
        size = min(int(asked.get("limit", page_size)), page_size)
        found, token = page(ordered, asked.get("nextToken"), size)
        return {"events": [_event(record) for record in found], "searchedLogStreams": [], "nextToken": token}

    return {("logs", "FilterLogEvents"): filter_log_events}


def _event(record: LogRecord) -> Mapping[str, object]:
    time_ms = round(record.time * 1000)
    return {
        "logStreamName": record.stream,
        "timestamp": time_ms,
        "message": record.message,
        "ingestionTime": time_ms + _INGESTION_DELAY_MS,
        "eventId": record.id or f"{record.stream}/{time_ms}/{crc32(record.message.encode())}",
    }
