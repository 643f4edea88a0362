// Stock as this process knows it, the cursor that it stands at, and how old it is.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fromJson, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { LocationBalanceSchema } from "./gen/stockledger/v1/stock_pb.js";

/** One SKU: the last entry that it reflects, and its balances by location. */
class SkuStock {
  constructor(sequence = 0n, balances = []) {
    this.sequence = sequence;
    this.balances = new Map();
    this.set(balances);
  }

  set(balances) {
    for (const balance of balances) this.balances.set(balance.location, balance);
  }

  /** What Reserve and Sell would go by on this channel, over all locations; the formula is in stock.proto. */
  availableToSell(channel) {
    let sum = 0n;
    for (const balance of this.balances.values()) {
      let free = balance.available - balance.safetyStock;
      for (const share of balance.allocations) {
        if (share.channel !== channel) free -= max(0n, share.guaranteed - share.used);
      }
      const own = balance.allocations.find((share) => share.channel === channel);
      if (own?.maximum !== undefined) free = min(free, own.maximum - own.used);
      sum += max(0n, free);
    }
    return sum;
  }
}

/** The projection. Its cursor moves together with what it has applied, and the two are stored together. */
export class View {
  /** Empty: it knows nothing yet, and has to begin with initial stock. */
  cursor = new Uint8Array();
  skus = new Map();

  /** Replaces all that it knows by initial stock. */
  begin(stocks) {
    this.skus = new Map(stocks.map((stock) => [stock.sku, new SkuStock(stock.sequence, stock.balances)]));
  }

  /** Applies an entry once; false where it had been applied before, as after a reconnect. */
  apply(entry) {
    const known = this.skus.get(entry.sku) ?? new SkuStock();
    if (entry.sequence <= known.sequence) return false;
    if (entry.sequence !== known.sequence + 1n) {
      // Never to be passed over in silence.
      throw new RangeError(`a gap: entry ${entry.sequence} of ${entry.sku} follows ${known.sequence}`);
    }
    // An entry tells the balances after it, so there is no arithmetic to do, and none to get wrong: a kind that this
    // program has never heard of is applied as well.
    known.set(entry.balances);
    known.sequence = entry.sequence;
    this.skus.set(entry.sku, known);
    return true;
  }

  /** The view that was kept; one that knows nothing where there is none. */
  static load(path) {
    const view = new View();
    if (!existsSync(path)) return view;
    const kept = JSON.parse(readFileSync(path, "utf8"));
    view.cursor = Buffer.from(kept.cursor, "base64");
    for (const [sku, { sequence, balances }] of Object.entries(kept.skus)) {
      view.skus.set(sku, new SkuStock(BigInt(sequence), balances.map((told) => fromJson(LocationBalanceSchema, told))));
    }
    return view;
  }

  /**
   * Keeps view and cursor in one file, whole or not at all: a cursor ahead of its view would lose entries. With a
   * database in place of the file, both go into one transaction.
   */
  save(path) {
    const skus = {};
    for (const [sku, { sequence, balances }] of this.skus) {
      // A sequence is a 64-bit number, which JSON in JavaScript has no place for but text.
      skus[sku] = {
        sequence: sequence.toString(),
        balances: [...balances.values()].map((balance) => toJson(LocationBalanceSchema, balance)),
      };
    }
    const kept = { cursor: Buffer.from(this.cursor).toString("base64"), skus };
    writeFileSync(`${path}.new`, JSON.stringify(kept), { flush: true });
    renameSync(`${path}.new`, path);
  }
}

/**
 * How old the view may be, without two clocks having to agree.
 *
 * Of each message is known when the ledger made it, by its clock, and when it arrived, by this process's steady one.
 * The message that was fastest on its way tells the difference of the clocks best; a slower one only looks older.
 */
export class FeedClock {
  #ahead = -Infinity; // the ledger's clock less ours, in milliseconds
  #heard = performance.now();
  #complete = -Infinity;

  /** Notes a message. Without a complete time, while the feed catches up, the last one stands and grows old. */
  told(ledgerTime, completeTime) {
    const now = performance.now();
    // Clocks drift apart by less than 100 millionths; so a difference that was seen long ago fades.
    this.#ahead = Math.max(timestampMs(ledgerTime) - now, this.#ahead - (now - this.#heard) * 100e-6);
    this.#heard = now;
    if (completeTime) this.#complete = timestampMs(completeTime);
  }

  /** All that the ledger committed longer ago than this many milliseconds is in the view; Infinity before the first. */
  get staleness() {
    return this.#complete === -Infinity ? Infinity : Math.max(0, performance.now() + this.#ahead - this.#complete);
  }
}

const max = (a, b) => (a > b ? a : b);
const min = (a, b) => (a < b ? a : b);
