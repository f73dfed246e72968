// SPDX-License-Identifier: MIT OR Apache-2.0
/** Puts the page together: the store, what feeds it, and what shows it. */
import { Banners } from "./banners.ts";
import type { Range } from "./brush.ts";
import { Chips } from "./chips.ts";
import { ColorDialog } from "./color_dialog.ts";
import { Crumbs } from "./crumbs.ts";
import { DiffBar } from "./diff_bar.ts";
import { presenceIn, presenceText, totalTexts } from "./diff_frame.ts";
import { byId, setText } from "./dom.ts";
import { share } from "./format.ts";
import { display } from "./names.ts";
import { Empty } from "./empty.ts";
import { ExportMenu } from "./export_menu.ts";
import { Feed } from "./feed.ts";
import { type FlameActions, FlameView } from "./flame.ts";
import { FlamechartPage } from "./flamechart_page.ts";
import { FlamechartTable } from "./flamechart_table.ts";
import { FlameTable } from "./flame_table.ts";
import { FrameMenu } from "./frame_menu.ts";
import { type FlameFrame, ROOT } from "./flame_frame.ts";
import type { FunctionRow } from "./table_frame.ts";
import { FunctionsView } from "./functions.ts";
import { Header } from "./header.ts";
import { Help } from "./help.ts";
import type { HeapPlace } from "./memory_frame.ts";
import { amount, type MetricId, metricOf, metricsOf } from "./metric.ts";
import { PlacesView } from "./places.ts";
import { ProcessView } from "./process.ts";
import { SizesView } from "./sizes.ts";
import { Timeline } from "./timeline.ts";
import { OpenFiles } from "./open_files.ts";
import { listenToKeys } from "./keys.ts";
import { Look } from "./look.ts";
import { MineDialog } from "./mine_dialog.ts";
import { Panel, Tip } from "./panel.ts";
import { isByTraces } from "./message.ts";
import { type Direction, neighbour } from "./neighbour.ts";
import { hasRange, NO_RANGE } from "./range.ts";
import { RangeChip } from "./range_chip.ts";
import { RecordSwitch } from "./record.ts";
import { ResetButton } from "./reset.ts";
import { SandwichView } from "./sandwich.ts";
import { SessionClock } from "./session_clock.ts";
import { END, FORGET, SessionDialog } from "./session_dialog.ts";
import { SessionMenu } from "./session_menu.ts";
import { NO_SIEVE } from "./sieve.ts";
import { Sifting } from "./sifting.ts";
import { SourceDialog } from "./source.ts";
import { Status } from "./status.ts";
import { type Found, Store } from "./store.ts";
import { ThemeSwitch } from "./theme.ts";
import { formatView, LAYOUTS, parseView, type View } from "./url.ts";

const store = new Store();
const main = byId("main");

/** Shows a view, and puts it into the address; `step`: as a step that Back undoes. */
function show(change: Partial<View>, step: boolean): void {
  store.view = { ...store.view, ...change };
  const address = formatView(store.view) || location.pathname + location.search;
  if (step) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  viewChanged();
}

function viewChanged(): void {
  feed.viewChanged();
  main.dataset["layout"] = store.layout;
  store.changed("view");
  look.setColorBy(store.view.colorBy);
  for (const view of flames) view.update(false);
}

/** Zooming stays with the session it was done in, whatever starts later. */
function zoomTo(id: string): void {
  show({ focus: id, from: 0, to: 1, session: store.session?.id ?? "" }, true);
}

function showWindow(from: number, to: number): void {
  const { view } = store;
  if (from === view.from && to === view.to) return;
  show({ from, to }, false);
}

function point(id: string | null): void {
  if (id === null && store.pointed === null) return;
  store.pointed = id;
  store.changed("pointed");
}

function pause(): void {
  store.paused = !store.paused;
  feed.viewChanged();
  store.changed("view");
}

/** What is compared with itself tells nothing: then it is the run before again. */
function baseFor(session: string): Partial<View> {
  const { base, baseTo } = store.view;
  return base === session && baseTo === 0 ? { base: "" } : {};
}

function choose(session: string): void {
  show({ session, thread: 0, focus: ROOT, from: 0, to: 1, ...NO_RANGE, spanFrom: 0, spanTo: 0, last: 0, ...baseFor(session) }, true);
}

/** Who calls a function, and what it calls. */
function sandwichOf(id: string): void {
  const session = store.session?.id ?? "";
  show({ layout: "sandwich", function: id, focus: ROOT, from: 0, to: 1, session }, true);
}

/** The function of the frame chosen or zoomed to, or the one with most of its own. */
function chosenFunction(): string | undefined {
  if (store.layout === "chart" && store.view.function !== "") return store.view.function;
  const found = store.find(store.pointed ?? store.view.focus);
  const most = store.table?.rows.reduce((a, b) => (b.self > a.self ? b : a), store.table.rows[0] as FunctionRow);
  return found !== null && found.node > 0 ? found.frame.functionId(found.node) : most?.id;
}

function sandwich(): void {
  const id = chosenFunction();
  if (id !== undefined) sandwichOf(id);
}

/** Opens a function's source, of the session it was looked for in. */
function sourceOf(source: string): void {
  show({ source, session: store.session?.id ?? "" }, true);
}

function source(): void {
  const id = chosenFunction();
  if (id !== undefined) sourceOf(id);
}

/** Points at the widest frame of a function, or zooms to it if it is there already. */
function findFunction(row: FunctionRow): void {
  const frame = store.frame;
  if (frame === null) return;
  let widest = -1;
  for (let node = 1; node < frame.count; node++)
    if (
      frame.functionId(node) === row.id &&
      (widest < 0 || (frame.total[node] as number) > (frame.total[widest] as number))
    )
      widest = node;
  if (widest < 0) return;
  const id = frame.id(widest);
  if (store.layout === "functions") show({ layout: "split" }, true);
  if (store.pointed === id) return zoomTo(id);
  point(id);
  flame.reveal(widest);
}

/** Zooms to the frame that stands for a place, in all of the profile: places are of all stacks. */
function findPlace({ node }: HeapPlace): void {
  if (/^0*$/.test(node)) return;
  const layout = store.layout === "memory" ? "split" : store.layout;
  const session = store.session?.id ?? "";
  show({ ...NO_SIEVE, layout, focus: node, from: 0, to: 1, session }, true);
}

/** Frames of native stacks are others than those of profiled calls: a zoom doesn't survive that. */
function showTree(change: Partial<View>): void {
  show({ ...change, focus: ROOT, from: 0, to: 1 }, true);
}

function showMetric(metric: MetricId): void {
  const layout = metric === "time" && store.layout === "memory" ? "split" : store.view.layout;
  const traces = store.memory !== null && isByTraces(store.memory.header);
  const other = (metric === "time") !== (store.metric === "time");
  if (other && traces) showTree({ metric, layout });
  else show({ metric, layout }, true);
}

/** The metric `by` places after the one shown, and round again. */
function stepMetric(by: number): void {
  const known = metricsOf(store.session);
  const at = known.indexOf(store.metric) + by;
  showMetric(known[(at + known.length) % known.length] ?? "time");
}

function showRange(range: Range | null, step: boolean): void {
  show({ rangeFrom: range?.from ?? 0, rangeTo: range?.to ?? 0 }, step);
}

/** Nanoseconds that the session shown has been there. */
function now(): number {
  return store.session === null ? 0 : clock.now(store.session, performance.now());
}

/** All views begin now, and stay with this session, whatever starts later. */
function beginNow(): void {
  const { session } = store;
  if (session !== null) show({ session: session.id, rangeFrom: Math.max(1, now()), rangeTo: 0 }, true);
}

function timelineHolds(element: Element | null): boolean {
  return byId("timeline").contains(element);
}

/** Undoes one thing, the latest kind first. */
function back(): void {
  const { view } = store;
  const search = byId<HTMLInputElement>("search");
  if (menu.isOpen) return menu.toggle(false);
  if (frameMenu.isOpen) return frameMenu.close();
  if (exportMenu.isOpen) return exportMenu.close();
  if (document.activeElement === search) {
    search.blur();
    return show({ search: "" }, false);
  }
  if (timelineHolds(document.activeElement) && hasRange(view)) return showRange(null, true);
  if (store.layout === "chart" && chart.back()) return;
  if (view.from > 0 || view.to < 1) return show({ from: 0, to: 1 }, false);
  if (view.focus !== ROOT) {
    const found = store.find(view.focus);
    const parent = found === null ? 0 : (found.frame.parent[found.node] as number);
    return zoomTo(parent === 0 || found === null ? ROOT : found.frame.id(parent));
  }
  if (view.search !== "") return show({ search: "" }, true);
  if (sifting.undo()) return;
  if (hasRange(view)) return showRange(null, true);
  if (view.layout === "sandwich") return show({ layout: "split", function: "" }, true);
  point(null);
}

/** The frame beside one; in a sandwich callers lie above their function, callees below it. */
function frameBeside(found: Found, direction: Direction): Found {
  const { callers, layout } = store;
  const { frame, node } = found;
  const above = layout === "sandwich" && frame !== callers && node === 0 && direction === "up";
  if (above && callers !== null && callers.count > 1)
    return { frame: callers, node: neighbour(callers, 0, "up", true) };
  const flipped = layout === "sandwich" ? frame === callers : store.view.flipped;
  return { frame, node: neighbour(frame, node, direction, flipped) };
}

function chooseFrame(direction: Direction): void {
  if (store.layout === "chart") return chart.chooseBeside(direction);
  const start = store.find(store.pointed ?? store.view.focus) ?? store.find(ROOT);
  if (start === null) return;
  const { frame, node } = store.pointed === null ? start : frameBeside(start, direction);
  viewOf(frame).reveal(node);
  point(frame.id(node));
  setText(byId("chosen"), frameText(frame, node));
}

/** A frame in one sentence, for screen readers. */
function frameText(frame: FlameFrame, node: number): string {
  const total = frame.total[node] as number;
  if (frame.diff !== null) {
    const [before, after, delta, change] = totalTexts(frame, node, store.view.mode);
    const presence = presenceText(presenceIn(frame, node));
    return [display(frame.name(node)), presence, `A ${before}`, `B ${after}`, delta, change].filter((text) => text !== "").join(", ");
  }
  return `${display(frame.name(node))}, ${amount(metricOf(frame.header), total)}, ${share(total, frame.rootTotal)}`;
}

function zoomKeys(factor: number): void {
  if (store.layout === "chart") return chart.zoom(factor);
  const { from, to } = store.view;
  if (factor > 1 && from === 0 && to === 1) back();
  else moving().zoom(factor);
}

const status = new Status(store);
const clock = new SessionClock();
const feed = new Feed(store, {
  live: () => flames.forEach((view) => view.update(true)),
  detail: () => viewOf(store.find(store.view.focus)?.frame ?? null).detail,
  modules: (modules) => look.setModules(modules),
  header: (header) => {
    status.count(header);
    clock.tell(header.session, header.durationNs, performance.now());
  },
  chart: (frame) => chart.receive(frame),
  reset: () => flames.forEach((view) => view.update(false)),
});
const actions: FlameActions = {
  zoomTo,
  showWindow,
  point,
  pointerIs: (inside) => feed.hold(inside),
  resized: () => feed.viewChanged(),
};
const look = new Look();
const flame: FlameView = new FlameView(store, actions, {
  name: "flame",
  frame: () => (store.layout === "sandwich" ? null : store.frame),
  flipped: () => store.view.flipped,
}, look);
const callers: FlameView = new FlameView(store, actions, {
  name: "callers",
  frame: () => (store.layout === "sandwich" ? store.callers : null),
  flipped: () => true,
}, look);
const callees: FlameView = new FlameView(store, actions, {
  name: "callees",
  frame: () => (store.layout === "sandwich" ? store.callees : null),
  flipped: () => false,
}, look);
const flames = [flame, callers, callees];

/** The flamegraph on the page that shows a frame. */
function viewOf(frame: FlameFrame | null): FlameView {
  if (store.layout !== "sandwich") return flame;
  return frame === store.callers ? callers : callees;
}

/** The one that is zoomed and moved: in a sandwich both halves are, unless one alone is zoomed to. */
function moving(): FlameView {
  return flames.find((view) => view.pointer !== null) ?? viewOf(store.find(store.view.focus)?.frame ?? null);
}

const chart = new FlamechartPage(store, look, {
  show,
  ask: (request) => feed.askChart(request),
  want: (id) => feed.wantDurations(id),
  sandwichOf,
  sourceOf,
  showRange: (range) => showRange(range, true),
  hold: (held) => feed.hold(held),
});
const timeline = new Timeline(store, showRange);
const theme = new ThemeSwitch((chosen) => {
  look.setTheme(chosen);
  timeline.recolor();
});
const menu = new SessionMenu(store, {
  choose,
  openFiles: () => openFiles.choose(),
  forget: (session) => forgetting.open(session),
  end: (session) => ending.open(session),
  tape: (session, on) => feed.tape(session.id, on),
});
const openFiles = new OpenFiles(choose);
const forgetting = new SessionDialog(FORGET, (id) => feed.forgetSession(id));
const ending = new SessionDialog(END, (id) => feed.endSession(id));

const header = new Header(store, { show, pause, showMetric, showTree, sandwich }, theme);
const exportMenu = new ExportMenu(store);
new RecordSwitch(store, (kinds) => feed.record(kinds));
new Banners(store, { choose, record: (kinds) => feed.record(kinds) });
new Empty(store, () => openFiles.choose());
new FunctionsView(store, (change) => show(change, true), findFunction, ({ id }) => sandwichOf(id));
new PlacesView(store, (change) => show(change, true), findPlace);
new ProcessView(store);
new SizesView(store);
new FlameTable(
  store,
  byId("flame-table"),
  () => (store.layout === "sandwich" ? null : store.frame),
  "The widest frames of the flamegraph",
);
new FlameTable(store, byId("callers-table"), () => store.callers, "The callers with most");
new FlameTable(store, byId("callees-table"), () => store.callees, "The callees with most");
new SandwichView(store);
new DiffBar(store, look, (change) => show(change, true), now);
const sifting = new Sifting(store, (change) => show(change, true));
const chips = new Chips(store, sifting);
const mine = new MineDialog(store, sifting);
const leaveOut = {
  hide: () => {
    if (!sifting.hide()) chips.tellFull();
  },
  only: () => sifting.only(),
  collapse: () => sifting.toggleCollapse(),
  mine: () => mine.open(),
  sandwich,
  source,
};
const frameMenu = new FrameMenu(store, sifting, { point, ...leaveOut });
new Panel(store, {
  zoomTo,
  sandwichOf,
  sourceOf,
  wantDurations: (id) => feed.wantDurations(id),
  openMenu: (button) => frameMenu.openOn(button),
  goTo: (id, call) => chart.goTo(id, call),
});
new SourceDialog(store, {
  ask: (request) => feed.askSource(request),
  close: () => store.view.source !== "" && show({ source: "" }, false),
});
new FlamechartTable(store, chart.chart, (key) => chart.threadOf(key));
new RangeChip(store, () => showRange(null, true));
new ResetButton(store, beginNow);
new Tip(store, () => flames.find((view) => view.pointer !== null)?.pointer ?? null);
new Crumbs(store, zoomTo);
const colors = new ColorDialog(store, {
  setBy: (colorBy) => show({ colorBy }, true),
  setPalette: (id) => look.setPalette(id),
});
const help = new Help();

listenToKeys({
  zoom: zoomKeys,
  pan: (by) => (store.layout === "chart" ? chart : moving()).pan(by),
  choose: chooseFrame,
  enter: () => {
    if (store.layout === "chart") return chart.enter();
    if (store.pointed !== null)
      zoomTo(store.find(store.pointed)?.node === 0 ? ROOT : store.pointed);
  },
  back,
  ...leaveOut,
  menu: () => frameMenu.openOn(viewOf(store.find(store.pointed ?? store.view.focus)?.frame ?? null).element),
  home: () => (store.layout === "chart" ? chart.fit() : zoomTo(ROOT)),
  search: () => header.focusSearch(),
  help: () => help.open(),
  colors: () => colors.open(),
  press: (id) => (id === "flip" && store.layout === "chart" ? chart.fit() : byId(id).click()),
  layout: (index) => header.chooseLayout(LAYOUTS[index] ?? "split"),
  metric: stepMetric,
  by: () => header.switchTree(),
  range: () => store.layout === "chart" && chart.brushWindow(),
});

addEventListener("popstate", () => {
  store.view = parseView(location.hash);
  viewChanged();
});

store.on(["sessions"], () => (main.dataset["layout"] = store.layout));
store.view = parseView(location.hash);
viewChanged();
feed.start();
