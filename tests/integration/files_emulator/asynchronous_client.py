"""What a program with the asynchronous SDK does on a share: asynchronous_client.py CONNECTION_STRING.

Run in an environment of its own (scripts/client-envs). Prints "good", or ends with the exception.
"""

import asyncio
import sys
import uuid
from typing import Any

from azure.storage.fileshare.aio import ShareServiceClient


async def work(connection_string: str) -> None:
    # Pieces of at most 1 MiB: aiohttp warns about larger bodies, and warnings are errors here.
    async with ShareServiceClient.from_connection_string(
        connection_string, retry_total=0, max_range_size=2**20
    ) as service:
        share = await service.create_share(f"async-{uuid.uuid4().hex[:8]}")
        directory = await share.create_directory("two words/".rstrip("/"))
        await directory.create_subdirectory("ü+%#")
        names = [f"two words/ü+%#/{number}" for number in range(8)]
        data = b"x" * 5 * 2**20
        await asyncio.gather(*(share.get_file_client(name).upload_file(data) for name in names))
        found: list[Any] = [item async for item in share.list_directories_and_files("two words/ü+%#")]
        assert [(item.name, item.size) for item in found] == [(str(n), len(data)) for n in range(8)]
        client = share.get_file_client(names[0])
        assert await (await client.download_file()).readall() == data
        lease = await client.acquire_lease()
        await client.set_file_metadata({"a": "1"}, lease=lease)
        await lease.release()
        moved = await client.rename_file("two words/moved")
        assert (await moved.get_file_properties()).metadata == {"a": "1"}
        await moved.delete_file()
        await share.delete_share()


asyncio.run(work(sys.argv[1]))
print("good")
