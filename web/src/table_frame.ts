// SPDX-License-Identifier: MIT OR Apache-2.0
import { Header, NodeFlag, Row, Table } from "thag-proto";
import type { FrameHeader, Message } from "./message.ts";

/** A function over all its places. */
export interface FunctionRow {
  name: string;
  file: string;
  line: number;
  section: boolean;
  calls: number;
  selfNs: number;
  totalNs: number;
  meanNs: number | null;
  minNs: number;
  maxNs: number;
  p50Ns: number;
  p99Ns: number;
}

/**
 * The mean time of the calls that ended, null when that can't be told: none has, or the total holds
 * a call that still runs and is longer than the rest, as is seen when the mean exceeds the maximum.
 */
export function meanOf(calls: number, totalNs: number, maxNs: number): number | null {
  const mean = totalNs / calls;
  return calls > 0 && mean <= maxNs ? mean : null;
}

/** The functions of a profile. */
export interface TableFrame {
  header: FrameHeader;
  functions: number;
  matched: number;
  rootTotalNs: number;
  rows: FunctionRow[];
}

function readRow(message: Message, at: number): FunctionRow {
  const string = (offset: number, bytes: number): string => {
    message.checkText(message.u32(at + offset), message.u32(at + bytes));
    return message.text(message.u32(at + offset), message.u32(at + bytes));
  };
  const calls = message.u64(at + Row.calls);
  const totalNs = message.u64(at + Row.total_ns);
  const maxNs = message.u64(at + Row.max_ns);
  return {
    name: string(Row.name_offset, Row.name_bytes),
    file: string(Row.file_offset, Row.file_bytes),
    line: message.u32(at + Row.line),
    section: (message.u32(at + Row.flags) & NodeFlag.SECTION) !== 0,
    calls,
    selfNs: message.u64(at + Row.self_ns),
    totalNs,
    meanNs: meanOf(calls, totalNs, maxNs),
    minNs: message.u64(at + Row.min_ns),
    maxNs,
    p50Ns: message.u64(at + Row.p50_ns),
    p99Ns: message.u64(at + Row.p99_ns),
  };
}

/** The table in a checked message. */
export function readTable(message: Message, header: FrameHeader): TableFrame {
  const rows = [];
  const first = Header.SIZE + Table.SIZE;
  for (let row = 0; row < header.count; row++) rows.push(readRow(message, first + row * Row.SIZE));
  return {
    header,
    functions: message.u32(Header.SIZE + Table.functions),
    matched: message.u32(Header.SIZE + Table.matched),
    rootTotalNs: message.u64(Header.SIZE + Table.root_total_ns),
    rows,
  };
}
