// SPDX-License-Identifier: MIT OR Apache-2.0
import { Header, Row, Table } from "thag-proto";
import { type FrameHeader, type Kind, kindOf, type Message } from "./message.ts";

/** A function over all its places. */
export interface FunctionRow {
  name: string;
  file: string;
  line: number;
  kind: Kind;
  calls: number;
  selfNs: number;
  totalNs: number;
  meanNs: number | null;
  minNs: number;
  maxNs: number;
  p50Ns: number;
  p99Ns: number;
  waitNs: number;
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
  return {
    name: string(Row.name_offset, Row.name_bytes),
    file: string(Row.file_offset, Row.file_bytes),
    line: message.u32(at + Row.line),
    kind: kindOf(message.u32(at + Row.flags)),
    calls,
    selfNs: message.u64(at + Row.self_ns),
    totalNs,
    meanNs: meanOf(calls, totalNs, message.u64(at + Row.open_ns)),
    minNs: message.u64(at + Row.min_ns),
    maxNs: message.u64(at + Row.max_ns),
    p50Ns: message.u64(at + Row.p50_ns),
    p99Ns: message.u64(at + Row.p99_ns),
    waitNs: message.u64(at + Row.wait_ns),
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
