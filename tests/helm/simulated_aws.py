"""The simulated AWS as a process: `python -m tests.helm.simulated_aws HOST PORT REGION...`.

Each region is answered with the demo's connections. The simulated AWS itself listens on 127.0.0.1 alone, which pods
cannot reach, so that connections to HOST are passed on to it.
"""

import asyncio
import sys
import time
from urllib.parse import urlsplit

from aws_vpn_exporter.demo.fleet import HOME_REGION, Fleet
from aws_vpn_exporter.demo.server import SimulatedAws


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # a pod that ends
    finally:
        writer.close()


async def passed_on(host: str, port: int, behind: int) -> None:
    """Serves on the host's port what 127.0.0.1 serves on `behind`, without end."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(copied(reader, inner_writer), copied(inner_reader, writer))

    async with await asyncio.start_server(connected, host, port) as server:
        print("READY", flush=True)
        await server.serve_forever()


def main() -> None:
    host, port, *regions = sys.argv[1:]
    fleet = Fleet(time.time)
    with SimulatedAws(lambda _: fleet.describe(HOME_REGION), regions=regions) as aws:
        asyncio.run(passed_on(host, int(port), urlsplit(aws.url).port or 0))


if __name__ == "__main__":
    main()
