// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Decodes the binary frames of proto/thag/frames.h. Every field is checked against the message
 * before it is used. Numbers stay where they are until asked for; only what drawing needs for each
 * node is unpacked. Browsers run on little-endian machines, as the frames are.
 */
import { Flame, FrameType, Node, Row, Table } from "thag-proto";
import { FlameFrame } from "./flame_frame.ts";
import { checkParts, FrameError, Message, readHeader } from "./message.ts";
import { readTable, type TableFrame } from "./table_frame.ts";

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
