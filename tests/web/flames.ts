// SPDX-License-Identifier: MIT OR Apache-2.0
/** Makes flame messages for tests. */
import { FRAME_MAGIC, FRAME_VERSION, Flame, FrameType, Header, Node } from "thag-proto";
import { type FlameFrame, NO_PARENT } from "thag-web/flame_frame.ts";
import { decodeFlame } from "./vectors.ts";

/** A node to be: its self time, and what it calls. */
export interface Tree {
  name: string;
  self: number;
  children?: Tree[];
}

interface Placed {
  tree: Tree;
  parent: number;
  depth: number;
  start: number;
  total: number;
  id: number;
}

function totalOf(tree: Tree): number {
  return (tree.children ?? []).reduce((sum, child) => sum + totalOf(child), tree.self);
}

function place(
  tree: Tree,
  parent: number,
  depth: number,
  start: number,
  path: string,
  out: Placed[],
): void {
  const index = out.length;
  const id = [...`${path}/${tree.name}`].reduce(
    (hash, char) => (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0,
    7,
  );
  out.push({ tree, parent, depth, start, total: totalOf(tree), id });
  for (const child of tree.children ?? []) {
    place(child, index, depth + 1, start, `${path}/${tree.name}`, out);
    start += totalOf(child);
  }
}

/** The message for a tree, decoded. */
export function flameOf(tree: Tree): FlameFrame {
  const nodes: Placed[] = [];
  place(tree, NO_PARENT, 0, 0, "", nodes);
  const strings = new TextEncoder().encode(nodes.map((node) => node.tree.name).join(""));
  const stringsOffset = Header.SIZE + Flame.SIZE + nodes.length * Node.SIZE;
  const view = new DataView(new ArrayBuffer(stringsOffset + strings.length));
  view.setUint32(Header.magic, FRAME_MAGIC, true);
  view.setUint16(Header.version, FRAME_VERSION, true);
  view.setUint16(Header.type, FrameType.FLAME, true);
  view.setUint32(Header.total_bytes, view.byteLength, true);
  view.setUint32(Header.count, nodes.length, true);
  view.setUint32(Header.strings_offset, stringsOffset, true);
  view.setUint32(Header.strings_bytes, strings.length, true);
  let offset = 0;
  nodes.forEach((node, index) => {
    putNode(view, Header.SIZE + Flame.SIZE + index * Node.SIZE, node, offset);
    offset += new TextEncoder().encode(node.tree.name).length;
  });
  new Uint8Array(view.buffer).set(strings, stringsOffset);
  return decodeFlame(view.buffer);
}

function putNode(
  view: DataView,
  at: number,
  { tree, parent, depth, start, total, id }: Placed,
  offset: number,
): void {
  view.setUint32(at + Node.id, id, true);
  view.setBigUint64(at + Node.start_ns, BigInt(start), true);
  view.setBigUint64(at + Node.total_ns, BigInt(total), true);
  view.setBigUint64(at + Node.self_ns, BigInt(tree.self), true);
  view.setUint32(at + Node.parent, parent, true);
  view.setUint32(at + Node.depth, depth, true);
  view.setUint32(at + Node.name_offset, offset, true);
  view.setUint32(at + Node.name_bytes, new TextEncoder().encode(tree.name).length, true);
}
