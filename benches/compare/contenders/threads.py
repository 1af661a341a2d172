"""What runs on each offer of a list, by requests and threads. Fixed concurrency, `Retry-After` by each request."""

import collections
import concurrent.futures
import os
import sys

import requests
import urllib3

PORTAL, CONCURRENCY = os.environ["PORTAL"], int(os.environ["CONCURRENCY"])


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        offers = [line.split() for line in file]
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {os.environ['TOKEN']}", "Accept": "application/json"})
    retry = urllib3.Retry(total=1000, status_forcelist=[429], respect_retry_after_header=True)
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CONCURRENCY, max_retries=retry))

    def get(path: str):
        answer = session.get(f"{PORTAL}{path}api-version=2017-10-31", timeout=60)
        answer.raise_for_status()
        return answer.json()

    def look(offer: list[str]) -> str:
        base = f"/api/publishers/{offer[0]}/offers/{offer[1]}"
        running = get(f"{base}/submissions/?status=running&")
        if not running:
            return "nothing"
        return "running " + get(f"{base}/operations/{running[0]['id']}?")["cancellationRequestState"]

    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
        print(collections.Counter(pool.map(look, offers)))


main()
