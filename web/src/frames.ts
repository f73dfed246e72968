// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Decodes the binary frames of proto/thag/frames.h. Every field is checked against the message
 * before it is used. Numbers stay where they are until asked for; only what drawing needs for each
 * node is unpacked. Browsers run on little-endian machines, as the frames are.
 */
import {
  FRAME_MAGIC,
  FRAME_VERSION,
  Flame,
  FrameFlag,
  FrameType,
  Header,
  Node,
  NodeFlag,
  Row,
  Table,
} from "thag-proto";

/** A message that is not a frame, or not a whole one. */
export class FrameError extends Error {}

export const NO_PARENT = 0xffffffff;

/** The id of the root, where a node id is expected. */
export const ROOT = "";

/** What a frame says of its session. Times in nanoseconds. */
export interface FrameHeader {
  type: number;
  count: number;
  sequence: number;
  flags: number;
  session: string;
  thread: number;
  timeNs: number;
  events: number;
  lost: number;
  truncated: number;
  durationNs: number;
  costNs: number;
  treeNodes: number;
}

const utf8 = new TextDecoder();

/** A message as 32-bit words and bytes, with reads of the layouts' fields. */
class Message {
  readonly words: Uint32Array;
  private readonly bytes: Uint8Array;
  private readonly texts = new Map<number, string>();
  readonly stringsOffset: number;
  readonly stringsBytes: number;

  constructor(buffer: ArrayBuffer) {
    if (buffer.byteLength < Header.SIZE) throw new FrameError("shorter than a header");
    this.words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
    this.bytes = new Uint8Array(buffer);
    this.stringsOffset = this.u32(Header.strings_offset);
    this.stringsBytes = this.u32(Header.strings_bytes);
  }

  u32(at: number): number {
    return this.words[at >>> 2] as number;
  }

  /** 64 bits as a number: exact up to 2^53, 104 days in nanoseconds. */
  u64(at: number): number {
    return (this.words[(at >>> 2) + 1] as number) * 4294967296 + (this.words[at >>> 2] as number);
  }

  u64Text(at: number): string {
    return ((BigInt(this.u32(at + 4)) << 32n) | BigInt(this.u32(at))).toString();
  }

  u64Hex(at: number): string {
    return hex(this.u32(at + 4)) + hex(this.u32(at));
  }

  /** The string of `bytes` bytes at `offset` of the string area. */
  text(offset: number, bytes: number): string {
    const key = bytes * 4294967296 + offset;
    let text = this.texts.get(key);
    if (text === undefined) {
      const start = this.stringsOffset + offset;
      text = utf8.decode(this.bytes.subarray(start, start + bytes));
      this.texts.set(key, text);
    }
    return text;
  }

  /** Refuses a string that does not lie in the string area. */
  checkText(offset: number, bytes: number): void {
    if (offset + bytes > this.stringsBytes) throw new FrameError("a string lies outside its area");
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function readHeader(message: Message, size: number): FrameHeader {
  if (message.u32(Header.magic) !== FRAME_MAGIC) throw new FrameError("not a frame");
  const versionAndType = message.u32(Header.version);
  if ((versionAndType & 0xffff) !== FRAME_VERSION) throw new FrameError("of another version");
  if (message.u32(Header.total_bytes) !== size) throw new FrameError("its length is not what it says");
  return {
    type: versionAndType >>> 16,
    count: message.u32(Header.count),
    sequence: message.u32(Header.sequence),
    flags: message.u32(Header.flags),
    session: message.u64Text(Header.session),
    thread: message.u32(Header.thread),
    timeNs: message.u64(Header.time_ns),
    events: message.u64(Header.events),
    lost: message.u64(Header.lost),
    truncated: message.u64(Header.truncated),
    durationNs: message.u64(Header.duration_ns),
    costNs: message.u32(Header.cost_ns_x256) / 256,
    treeNodes: message.u32(Header.tree_nodes),
  };
}

/** Refuses a message whose parts do not fit into it. */
function checkParts(message: Message, header: FrameHeader, head: number, each: number, size: number): void {
  const end = Header.SIZE + head + header.count * each;
  if (end > size || end > message.stringsOffset) throw new FrameError("more entries than bytes");
  if (message.stringsOffset + message.stringsBytes > size) throw new FrameError("strings end after it");
}

/** A flamegraph. Nodes are known by their index; the root is 0. */
export class FlameFrame {
  readonly rootTotalNs: number;
  /** The node the frame is zoomed to, ROOT for the root. */
  readonly focus: string;
  readonly matchedNs: number;
  readonly matchedCalls: number;
  readonly hiddenNodes: number;
  readonly treeDepth: number;
  readonly count: number;
  readonly start: Float64Array;
  readonly total: Float64Array;
  readonly parent: Uint32Array;
  readonly depth: Uint32Array;
  readonly flags: Uint8Array;
  readonly idLow: Uint32Array;
  readonly idHigh: Uint32Array;

  constructor(
    private readonly message: Message,
    readonly header: FrameHeader,
  ) {
    const at = Header.SIZE;
    const focus = message.u64Hex(at + Flame.focus);
    this.rootTotalNs = message.u64(at + Flame.root_total_ns);
    this.focus = focus === "0000000000000000" ? ROOT : focus;
    this.matchedNs = message.u64(at + Flame.matched_ns);
    this.matchedCalls = message.u64(at + Flame.matched_calls);
    this.hiddenNodes = message.u32(at + Flame.hidden_nodes);
    this.treeDepth = message.u32(at + Flame.depth);
    const count = (this.count = header.count);
    this.start = new Float64Array(count);
    this.total = new Float64Array(count);
    this.parent = new Uint32Array(count);
    this.depth = new Uint32Array(count);
    this.flags = new Uint8Array(count);
    this.idLow = new Uint32Array(count);
    this.idHigh = new Uint32Array(count);
    for (let node = 0; node < count; node++) this.unpack(node);
  }

  private unpack(node: number): void {
    const { message } = this;
    const at = this.at(node);
    const parent = message.u32(at + Node.parent);
    const depth = message.u32(at + Node.depth);
    message.checkText(message.u32(at + Node.name_offset), message.u32(at + Node.name_bytes));
    if (node === 0 ? parent !== NO_PARENT || depth !== 0 : parent >= node || depth !== (this.depth[parent] as number) + 1)
      throw new FrameError("a node comes before its parent");
    this.start[node] = message.u64(at + Node.start_ns);
    this.total[node] = message.u64(at + Node.total_ns);
    this.parent[node] = parent;
    this.depth[node] = depth;
    this.flags[node] = message.u32(at + Node.flags) & 0xff;
    this.idLow[node] = message.u32(at + Node.id);
    this.idHigh[node] = message.u32(at + Node.id + 4);
  }

  private at(node: number): number {
    return Header.SIZE + Flame.SIZE + node * Node.SIZE;
  }

  id(node: number): string {
    return this.message.u64Hex(this.at(node) + Node.id);
  }

  name(node: number): string {
    const at = this.at(node);
    return this.message.text(this.message.u32(at + Node.name_offset), this.message.u32(at + Node.name_bytes));
  }

  selfNs(node: number): number {
    return this.message.u64(this.at(node) + Node.self_ns);
  }

  calls(node: number): number {
    return this.message.u64(this.at(node) + Node.calls);
  }

  minNs(node: number): number {
    return this.message.u64(this.at(node) + Node.min_ns);
  }

  maxNs(node: number): number {
    return this.message.u64(this.at(node) + Node.max_ns);
  }

  isSection(node: number): boolean {
    return ((this.flags[node] as number) & NodeFlag.SECTION) !== 0;
  }

  isOpen(node: number): boolean {
    return ((this.flags[node] as number) & NodeFlag.OPEN) !== 0;
  }

  /** The node with this id, -1 when the frame has none. */
  find(id: string): number {
    if (id === ROOT) return this.count > 0 ? 0 : -1;
    const high = parseInt(id.slice(0, 8), 16);
    const low = parseInt(id.slice(8), 16);
    for (let node = 0; node < this.count; node++)
      if (this.idLow[node] === low && this.idHigh[node] === high) return node;
    return -1;
  }

  /** The nodes from the root to `node`. */
  path(node: number): number[] {
    const path = [];
    for (let at = node; at !== NO_PARENT && at >= 0; at = this.parent[at] as number) path.push(at);
    return path.reverse();
  }

  /** Its children in the frame, in their order. */
  children(node: number): number[] {
    const children = [];
    for (let at = node + 1; at < this.count; at++) if (this.parent[at] === node) children.push(at);
    return children;
  }
}

/** A function over all its places. */
export interface FunctionRow {
  name: string;
  file: string;
  line: number;
  section: boolean;
  calls: number;
  selfNs: number;
  totalNs: number;
  meanNs: number;
  minNs: number;
  maxNs: number;
  p50Ns: number;
  p99Ns: number;
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
    section: (message.u32(at + Row.flags) & NodeFlag.SECTION) !== 0,
    calls,
    selfNs: message.u64(at + Row.self_ns),
    totalNs,
    meanNs: calls > 0 ? totalNs / calls : 0,
    minNs: message.u64(at + Row.min_ns),
    maxNs: message.u64(at + Row.max_ns),
    p50Ns: message.u64(at + Row.p50_ns),
    p99Ns: message.u64(at + Row.p99_ns),
  };
}

function readTable(message: Message, header: FrameHeader): TableFrame {
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

export function isLive(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.LIVE) !== 0;
}

export function isCorrected(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.CORRECTED) !== 0;
}

export function isCapped(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.CAPPED) !== 0;
}

/** The frame in a binary message; throws FrameError. */
export function decodeFrame(buffer: ArrayBuffer): FlameFrame | TableFrame {
  const message = new Message(buffer);
  const header = readHeader(message, buffer.byteLength);
  if (header.type === FrameType.FLAME) {
    checkParts(message, header, Flame.SIZE, Node.SIZE, buffer.byteLength);
    return new FlameFrame(message, header);
  }
  if (header.type !== FrameType.TABLE) throw new FrameError("of an unknown type");
  checkParts(message, header, Table.SIZE, Row.SIZE, buffer.byteLength);
  return readTable(message, header);
}
