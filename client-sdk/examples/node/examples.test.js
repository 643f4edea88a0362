// What both examples promise, against the ledger at $STOCKLEDGER (HOST:PORT).
//
// $STOCKLEDGER_RESTART may name a command that kills that ledger and starts it again: it is run in the middle.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import { toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { LedgerService } from "./gen/stockledger/v1/ledger_service_pb.js";
import { LocationBalanceSchema } from "./gen/stockledger/v1/stock_pb.js";
import { connect } from "./ledger.js";

const { STOCKLEDGER: target, STOCKLEDGER_RESTART: restart } = process.env;
let connection, ledger, folder, prefix, state;

before(() => {
  assert.ok(target, "set STOCKLEDGER to the HOST:PORT of a ledger, or call test.sh");
  connection = connect(target);
  ledger = createClient(LedgerService, connection.transport);
  folder = mkdtempSync(join(tmpdir(), "stockledger-examples-"));
});

after(() => {
  connection?.close();
  if (folder) rmSync(folder, { recursive: true });
});

// A corner of the ledger for each test: SKUs and ids with a prefix of its own, and a channel's state.
beforeEach(() => {
  prefix = `node-${randomUUID().slice(0, 8)}/`;
  state = join(folder, randomUUID());
});

test("the last unit is sold once, and a second run is replayed", async () => {
  const sku = await receive("MUG", 1);
  const first = await checkout(sku, "order-1");
  assert.equal(first.code, 0, first.err);
  assert.doesNotMatch(first.out, /replayed/);

  const again = await checkout(sku, "order-1");
  assert.equal(again.code, 0, again.err);
  assert.equal(again.out.match(/replayed/g).length, 3);
  assert.equal((await ledger.listEntries({ sku })).entries.length, 4);

  const late = await checkout(sku, "order-2");
  assert.equal(late.code, 2, late.err);
  assert.equal(late.out, "sorry: INSUFFICIENT_STOCK, 0 available\n");
});

test("a restart in the middle loses nothing and sells nothing twice", async (t) => {
  const skus = [await receive("MUG", 5), await receive("PEN", 5)];
  let channel = startChannel(t);
  await awaitViewOf(skus);

  const first = checkout(skus[0], "order-0");
  const done = [];
  let next = 1;
  const till = async () => {
    while (next < 12) {
      const n = next++;
      done.push(await checkout(skus[n % 2], `order-${n}`));
    }
  };
  const tills = [till(), till()];
  done.push(await first);
  if (restart) {
    const { code, err } = await run(restart, []);
    assert.equal(code, 0, err);
  }
  await Promise.all(tills);
  assert.equal(done.filter(({ code }) => code === 0).length, 10, JSON.stringify(done));
  assert.equal(done.filter(({ code }) => code === 2).length, 2, JSON.stringify(done));
  await awaitViewOf(skus);
  let output = await channel.stop();
  if (restart) {
    assert.ok(done.some(({ err }) => err.includes("again in")), "no checkout met the restart");
    assert.match(output, /lost the ledger/);
  }

  // What happens while nobody listens is there after a resume.
  await receive("MUG", 7);
  skus.push(await receive("CUP", 1));
  channel = startChannel(t);
  await awaitViewOf(skus);
  output = await channel.stop();
  assert.match(output, /resuming with 2 SKUs/);
  assert.doesNotMatch(output, /initial stock/);
});

test("repeats are dropped", async (t) => {
  const sku = await receive("MUG", 1);
  await followUntil(t, [sku]);
  const early = kept().cursor;
  await receive("MUG", 1);
  await receive("MUG", 1);
  await followUntil(t, [sku]);

  // A view that is ahead of its cursor: the feed tells again what it has applied.
  writeFileSync(state, JSON.stringify({ ...kept(), cursor: early }));
  await receive("MUG", 1);
  assert.match(await followUntil(t, [sku]), /1 entries applied, 2 repeats dropped/);
});

test("an expired cursor begins again with initial stock", async (t) => {
  const sku = await receive("MUG", 1);
  await followUntil(t, [sku]);
  await receive("MUG", 1);

  // A cursor is opaque. This one is made by hand, because only a ledger that came back from a backup expires one:
  // format, ledger's id, feed epoch (here 0, before the first), place, checksum.
  const cursor = Buffer.from(kept().cursor, "base64");
  cursor.fill(0, 17, 21);
  cursor.writeUInt32BE(crc32(cursor.subarray(0, -4)), cursor.length - 4);
  writeFileSync(state, JSON.stringify({ ...kept(), cursor: cursor.toString("base64") }));
  assert.match(await followUntil(t, [sku]), /initial stock of 1 SKUs/);
});

async function receive(name, quantity) {
  const sku = prefix + name;
  const operation = { case: "receive", value: { quantity: BigInt(quantity) } };
  await ledger.applyMutation({ mutation: { mutationId: randomUUID(), sku, operation } }, { timeoutMs: 10_000 });
  return sku;
}

/** A checkout that hears nothing (exit code 1) is run again, with the same order. */
async function checkout(sku, order) {
  let said = "";
  for (let attempt = 1; ; attempt++) {
    const done = await run(process.execPath, ["checkout.js", "--target", target, sku, prefix + order]);
    said += done.err;
    if (done.code !== 1 || attempt === 3) return { ...done, err: said };
  }
}

/** Runs a program to its end. */
function run(program, args) {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: import.meta.dirname }, (error, out, err) => {
      resolve({ code: error?.code ?? 0, out, err });
    });
  });
}

/** Runs the channel until its kept view is the ledger's own stock; gives what it printed. */
async function followUntil(t, skus) {
  const channel = startChannel(t);
  await awaitViewOf(skus);
  return channel.stop();
}

/** Starts the channel program; `stop` ends it as Ctrl-C does, and gives what it printed. */
function startChannel(t) {
  const args = ["channel.js", "--target", target, "--state", state, "--sku-prefix", prefix];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  return {
    async stop() {
      child.kill("SIGINT");
      const [code] = await ended;
      assert.equal(code, 0, output);
      return output;
    },
  };
}

const kept = () => JSON.parse(readFileSync(state, "utf8"));

/** Waits until the kept view is the ledger's own stock, SKU by SKU, bucket by bucket. */
async function awaitViewOf(skus) {
  for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
    const view = existsSync(state) ? kept().skus : {};
    const stock = {};
    for (const { sku, sequence, balances } of (await ledger.batchGetStock({ skus }, { timeoutMs: 10_000 })).stocks) {
      stock[sku] = {
        sequence: String(sequence),
        balances: balances.map((balance) => toJson(LocationBalanceSchema, balance)),
      };
    }
    if (isDeepStrictEqual(view, stock)) return;
    if (Date.now() > deadline) assert.deepEqual(view, stock);
  }
}
