// What runs on each offer of a list, by Node's fetch. Fixed concurrency, `Retry-After` by each request.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { PORTAL, TOKEN, CONCURRENCY } = process.env;
const offers = readFileSync(process.argv[2], "utf8").trim().split("\n").map((line) => line.split(" "));
const headers = { Authorization: `Bearer ${TOKEN}`, Accept: "application/json" };
const results = {};

async function get(path) {
  for (;;) {
    const answer = await fetch(`${PORTAL}${path}api-version=2017-10-31`, { headers });
    if (answer.ok) return answer.json();
    await answer.arrayBuffer();
    if (answer.status !== 429) throw new Error(`${path}: ${answer.status}`);
    await sleep(1000 * Number(answer.headers.get("retry-after") ?? 1));
  }
}

async function work(left) {
  for (const [publisher, offer] of left) {
    const base = `/api/publishers/${publisher}/offers/${offer}`;
    const [running] = await get(`${base}/submissions/?status=running&`);
    const result = running ? `running ${(await get(`${base}/operations/${running.id}?`)).cancellationRequestState}` : "nothing";
    results[result] = (results[result] ?? 0) + 1;
  }
}

const left = offers.values();
await Promise.all(Array.from({ length: Number(CONCURRENCY) }, () => work(left)));
console.log(results);
