// SPDX-License-Identifier: MIT OR Apache-2.0
import { Diff, Flame, FrameType, Header, Heap, Metric, Node, NodeFlag, Sides as SidesLayout } from "thag-proto";
import type { Sides } from "./diff.ts";
import { type HeapRecord, readHeap } from "./heap.ts";
import { FrameError, type FrameHeader, type Kind, kindOf, type Message } from "./message.ts";

export const NO_PARENT = 0xffffffff;

/** The id of the root, where a node id is expected. */
export const ROOT = "";

/** What a difference is to; see proto/thag/frames.h. */
export interface DiffFacts {
  base: string;
  baseDurationNs: number;
  /** The range of the base, nanoseconds since it began; both 0: all of it. */
  baseFrom: number;
  baseTo: number;
  /** As `matched`, of the base. */
  matched: number;
  normalised: boolean;
}

/**
 * A flamegraph. Nodes are known by their index; the root is 0. Totals are in what the header's
 * metric counts; those of a difference are widths alone.
 */
export class FlameFrame {
  readonly rootTotal: number;
  /** The node the frame is zoomed to, ROOT for the root. */
  readonly focus: string;
  readonly matched: number;
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
  /** Null unless it is of two sides. */
  readonly diff: DiffFacts | null;

  constructor(
    private readonly message: Message,
    readonly header: FrameHeader,
  ) {
    const at = Header.SIZE;
    const focus = message.u64Hex(at + Flame.focus);
    this.rootTotal = message.u64(at + Flame.root_total_ns);
    this.focus = focus === "0000000000000000" ? ROOT : focus;
    this.matched = message.u64(at + Flame.matched_ns);
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
    this.diff = header.type === FrameType.DIFF && count > 0 ? this.readDiff() : null;
  }

  private readDiff(): DiffFacts {
    const { message } = this;
    const at = this.sidesAt(this.count);
    return {
      base: message.u64Text(at + Diff.base),
      baseDurationNs: message.u64(at + Diff.base_duration_ns),
      baseFrom: message.u64(at + Diff.base_from_ns),
      baseTo: message.u64(at + Diff.base_to_ns),
      matched: message.u64(at + Diff.matched_ns),
      normalised: message.u32(at + Diff.normalised) !== 0,
    };
  }

  private sidesAt(node: number): number {
    return this.at(this.count) + node * SidesLayout.SIZE;
  }

  /** Both sides of a difference's node, null in another frame. */
  sides(node: number): Sides | null {
    if (this.diff === null) return null;
    const { message } = this;
    const at = this.sidesAt(node);
    return {
      before: {
        self: message.u64(at + SidesLayout.before_self_ns),
        total: message.u64(at + SidesLayout.before_total_ns),
        calls: message.u64(at + SidesLayout.before_calls),
      },
      after: {
        self: message.u64(at + SidesLayout.after_self_ns),
        total: message.u64(at + SidesLayout.after_total_ns),
        calls: message.u64(at + SidesLayout.after_calls),
      },
    };
  }

  private unpack(node: number): void {
    const { message } = this;
    const at = this.at(node);
    const parent = message.u32(at + Node.parent);
    const depth = message.u32(at + Node.depth);
    message.checkText(message.u32(at + Node.name_offset), message.u32(at + Node.name_bytes));
    if (
      node === 0
        ? parent !== NO_PARENT || depth !== 0
        : parent >= node || depth !== (this.depth[parent] as number) + 1
    )
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
    return this.message.text(
      this.message.u32(at + Node.name_offset),
      this.message.u32(at + Node.name_bytes),
    );
  }

  /** The id of its function, over all places. */
  functionId(node: number): string {
    return this.message.u64Hex(this.at(node) + Node.function);
  }

  self(node: number): number {
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

  /** How long its calls were open without running. */
  waitNs(node: number): number {
    return this.message.u64(this.at(node) + Node.wait_ns);
  }

  /** The part of its total that is of calls still open. */
  openNs(node: number): number {
    return this.message.u64(this.at(node) + Node.open_ns);
  }

  /** Its memory, null in a frame of times, or of two sides. */
  heap(node: number): HeapRecord | null {
    if (this.header.metric === Metric.TIME || this.diff !== null) return null;
    return readHeap(this.message, this.at(this.count) + node * Heap.SIZE);
  }

  kind(node: number): Kind {
    return kindOf(this.flags[node] as number);
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
