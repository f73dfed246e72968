// SPDX-License-Identifier: MIT OR Apache-2.0
import { Header, Heap, Metric, Row, Table } from "thag-proto";
import { type HeapRecord, readHeap } from "./heap.ts";
import { type FrameHeader, type Kind, kindOf, type Message } from "./message.ts";

/** A function over all its places; self and total are in what the header's metric counts. */
export interface FunctionRow {
  /** As a frame's functionId. */
  id: string;
  name: string;
  file: string;
  line: number;
  kind: Kind;
  calls: number;
  self: number;
  total: number;
  meanNs: number | null;
  minNs: number;
  maxNs: number;
  p50Ns: number;
  p99Ns: number;
  waitNs: number;
  /** Null in a table of times. */
  heap: HeapRecord | null;
}

/** The mean time of the calls that ended, null when none has. `openNs`: of the total, in the others. */
export function meanOf(calls: number, totalNs: number, openNs: number): number | null {
  return calls > 0 ? Math.max(0, totalNs - openNs) / calls : null;
}

/** The functions of a profile. */
export interface TableFrame {
  header: FrameHeader;
  functions: number;
  matched: number;
  rootTotal: number;
  rows: FunctionRow[];
}

function readRow(message: Message, at: number, heap: HeapRecord | null): FunctionRow {
  const calls = message.u64(at + Row.calls);
  const total = message.u64(at + Row.total_ns);
  return {
    id: message.u64Hex(at + Row.function),
    name: message.checkedText(at + Row.name_offset, at + Row.name_bytes),
    file: message.checkedText(at + Row.file_offset, at + Row.file_bytes),
    line: message.u32(at + Row.line),
    kind: kindOf(message.u32(at + Row.flags)),
    calls,
    self: message.u64(at + Row.self_ns),
    total,
    meanNs: meanOf(calls, total, message.u64(at + Row.open_ns)),
    minNs: message.u64(at + Row.min_ns),
    maxNs: message.u64(at + Row.max_ns),
    p50Ns: message.u64(at + Row.p50_ns),
    p99Ns: message.u64(at + Row.p99_ns),
    waitNs: message.u64(at + Row.wait_ns),
    heap,
  };
}

/** The table in a checked message. */
export function readTable(message: Message, header: FrameHeader): TableFrame {
  const rows = [];
  const first = Header.SIZE + Table.SIZE;
  const heaps = first + header.count * Row.SIZE;
  for (let row = 0; row < header.count; row++) {
    const timed = header.metric === Metric.TIME;
    const heap = timed ? null : readHeap(message, heaps + row * Heap.SIZE);
    rows.push(readRow(message, first + row * Row.SIZE, heap));
  }
  return {
    header,
    functions: message.u32(Header.SIZE + Table.functions),
    matched: message.u32(Header.SIZE + Table.matched),
    rootTotal: message.u64(Header.SIZE + Table.root_total_ns),
    rows,
  };
}
