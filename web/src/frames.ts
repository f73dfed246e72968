// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Decodes the binary frames of proto/thag/frames.h. Every field is checked against the message
 * before it is used. Numbers stay where they are until asked for; only what drawing needs for each
 * node is unpacked. Browsers run on little-endian machines, as the frames are.
 */
import { Bucket, Chart, Diff, Durations, Flame, FrameType, Heap, Lane, Memory, Metric, Node, Place, Row, Sides, Table } from "thag-proto";
import { type DurationsFrame, readDurations } from "./durations_frame.ts";
import { type FlamechartFrame, readFlamechart } from "./flamechart_frame.ts";
import { FlameFrame } from "./flame_frame.ts";
import { type MemoryFrame, readMemory } from "./memory_frame.ts";
import { checkParts, FrameError, Message, readHeader } from "./message.ts";
import { readTable, type TableFrame } from "./table_frame.ts";

/** A flamegraph, or half a sandwich. */
export type FlameKind = "flame" | "callers" | "callees";

export type Frame =
  | { kind: FlameKind; frame: FlameFrame }
  | { kind: "durations"; frame: DurationsFrame }
  | { kind: "table"; frame: TableFrame }
  | { kind: "memory"; frame: MemoryFrame }
  | { kind: "chart"; frame: FlamechartFrame };

function kindOfFlame(type: number): FlameKind {
  if (type === FrameType.CALLERS) return "callers";
  return type === FrameType.CALLEES ? "callees" : "flame";
}

/** The frame in a binary message; throws FrameError. */
export function decodeFrame(buffer: ArrayBuffer): Frame {
  const message = new Message(buffer);
  const header = readHeader(message, buffer.byteLength);
  const size = buffer.byteLength;
  const heap = header.metric === Metric.TIME ? 0 : Heap.SIZE;
  switch (header.type) {
    case FrameType.FLAME:
    case FrameType.CALLERS:
    case FrameType.CALLEES:
      checkParts(message, header, Flame.SIZE, Node.SIZE + heap, size);
      return { kind: kindOfFlame(header.type), frame: new FlameFrame(message, header) };
    case FrameType.DIFF:
      checkParts(message, header, Flame.SIZE + Diff.SIZE, Node.SIZE + Sides.SIZE, size);
      return { kind: "flame", frame: new FlameFrame(message, header) };
    case FrameType.DURATIONS:
      checkParts(message, header, Durations.SIZE, Bucket.SIZE, size);
      return { kind: "durations", frame: readDurations(message, header) };
    case FrameType.TABLE:
      checkParts(message, header, Table.SIZE, Row.SIZE + heap, size);
      return { kind: "table", frame: readTable(message, header) };
    case FrameType.MEMORY:
      checkParts(message, header, Memory.SIZE, Place.SIZE, size);
      return { kind: "memory", frame: readMemory(message, header) };
    case FrameType.CHART:
      checkParts(message, header, Chart.SIZE, Lane.SIZE, size);
      return { kind: "chart", frame: readFlamechart(message, header) };
    default:
      throw new FrameError("of an unknown type");
  }
}
