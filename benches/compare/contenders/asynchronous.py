"""What runs on each offer of a list, by aiohttp. Fixed concurrency, `Retry-After` by each request."""

import asyncio
import collections
import os
import sys

import aiohttp

PORTAL, CONCURRENCY = os.environ["PORTAL"], int(os.environ["CONCURRENCY"])


async def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        offers = [line.split() for line in file]
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Accept": "application/json"}
    results: collections.Counter[str] = collections.Counter()
    left = iter(offers)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def get(path: str):
            while True:
                async with session.get(f"{PORTAL}{path}api-version=2017-10-31") as answer:
                    if answer.status != 429:
                        answer.raise_for_status()
                        return await answer.json()
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

        async def work() -> None:
            for publisher, offer in left:
                base = f"/api/publishers/{publisher}/offers/{offer}"
                running = await get(f"{base}/submissions/?status=running&")
                if running:
                    operation = await get(f"{base}/operations/{running[0]['id']}?")
                    results["running " + operation["cancellationRequestState"]] += 1
                else:
                    results["nothing"] += 1

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    print(results)


asyncio.run(main())
