import { expect, test } from "vitest";
import type { JobEvent } from "../src/api/types";
import { marks } from "../src/job/timeline/axis";
import { lanes } from "../src/job/timeline/segments";

const at = (second: number) => new Date(second * 1000).toISOString();
const event = (second: number, kind: string, attempt?: number, node?: string): JobEvent => ({
  time: at(second),
  event: kind,
  ...(attempt ? { attempt } : {}),
  ...(node ? { node } : {}),
});
const ALONE = { container: false, preparation: false, nodes: 1 };

function drawn(events: JobEvent[], shape = ALONE, live = false, now = 100_000) {
  return lanes(events, shape, live, now).map(({ attempt, node, segments }) => [
    attempt ? `${attempt} ${node}` : "waiting",
    segments.map((each) => `${each.part} ${each.begin / 1000}-${each.open ? "" : each.end / 1000}`),
  ]);
}

const WHOLE = [
  event(0, "Queued"),
  event(5, "Claimed", 1, "a"),
  event(6, "Mounted", 1, "a"),
  event(7, "Started", 1, "a"),
  event(9, "Stopped", 1, "a"),
  event(10, "Uploaded", 1, "a"),
  event(10, "Ended", 1),
];

test("a job of one node from its queue to its end", () => {
  expect(drawn(WHOLE)).toEqual([
    ["waiting", ["queued 0-5"]],
    ["1 a", ["mounts 5-6", "starting 6-7", "running 7-9", "upload 9-10"]],
  ]);
});

test("image and preparation are parts where the job has them", () => {
  const events = [
    event(0, "Queued"),
    event(1, "Claimed", 1, "a"),
    event(2, "Mounted", 1, "a"),
    event(4, "ContainerStarted", 1, "a"),
    event(6, "Prepared", 1, "a"),
    event(7, "Started", 1, "a"),
  ];
  const shape = { container: true, preparation: true, nodes: 1 };
  expect(drawn(events, shape, true)[1]).toEqual([
    "1 a",
    ["mounts 1-2", "image 2-4", "preparation 4-6", "starting 6-7", "running 7-"],
  ]);
});

test("what nodes did before and between is a part, too", () => {
  const events = [
    event(0, "Queued"),
    event(1, "NodeStarted", 1, "a"),
    event(4, "NodeReady", 1, "a"),
    event(5, "Claimed", 1, "a"),
    event(6, "Assembled", 1, "a"),
    event(7, "NodeBegan", 1, "b"),
    event(8, "Mounted", 1, "a"),
    event(9, "ImageReady", 1, "a"),
    event(10, "ContainerStarted", 1, "a"),
    event(11, "PreparationStarted", 1, "a"),
    event(12, "Prepared", 1, "a"),
    event(13, "Started", 1, "a"),
    event(14, "Ended", 1),
  ];
  expect(drawn(events, { container: true, preparation: false, nodes: 2 }).slice(1)).toEqual([
    [
      "1 a",
      [
        ...["machine 1-4", "assembling 5-6", "mounts 6-8", "image 8-9", "starting 9-11", "preparation 11-12"],
        ...["starting 12-13", "running 13-14"],
      ],
    ],
    [
      "1 b",
      [
        ...["assembling 5-6", "mounts 6-8", "image 8-9", "starting 9-11", "preparation 11-12"],
        ...["starting 12-13", "running 13-14"],
      ],
    ],
  ]);
});

test("each node has a lane; kinds that it lacks are taken from the others", () => {
  const events = [
    event(0, "Queued"),
    event(1, "Claimed", 1, "a"),
    event(2, "Assembled", 1, "a"),
    event(3, "Mounted", 1, "a"),
    event(5, "Mounted", 1, "b"),
    event(6, "Started", 1, "a"),
    event(8, "Ended", 1),
  ];
  expect(drawn(events, { ...ALONE, nodes: 2 })).toEqual([
    ["waiting", ["queued 0-1"]],
    ["1 a", ["assembling 1-2", "mounts 2-3", "starting 3-6", "running 6-8"]],
    ["1 b", ["assembling 1-2", "mounts 2-5", "starting 5-6", "running 6-8"]],
  ]);
});

test("it waits again between two attempts", () => {
  const events = [
    event(0, "Queued"),
    event(1, "Claimed", 1, "a"),
    event(2, "RunnerLost", 1),
    event(3, "RetryScheduled", 1),
    event(7, "Claimed", 2, "b"),
  ];
  expect(drawn(events, ALONE, true)).toEqual([
    ["waiting", ["queued 0-1", "queued 3-7"]],
    ["1 a", ["mounts 1-2"]],
    ["2 b", ["working 7-"]],
  ]);
});

test("a job that waits has one bar that has no end", () => {
  expect(drawn([event(0, "Queued")], ALONE, true)).toEqual([["waiting", ["queued 0-"]]]);
  expect(drawn([event(0, "Queued")], ALONE, false)).toEqual([]);
});

test("clocks that disagree make no bar shorter than nothing, and what is unknown changes nothing", () => {
  const events = [
    event(9, "Queued"),
    event(5, "Claimed", 1, "a"),
    event(6, "Danced", 1, "a"),
    event(7, "Ended", 1),
  ];
  expect(drawn(events)).toEqual([
    ["waiting", ["queued 9-9"]],
    ["1 a", ["mounts 5-7"]],
  ]);
});

test("marks on the axis are round and few", () => {
  expect(marks(60, 5)).toEqual([0, 15, 30, 45, 60]);
  expect(marks(0, 5)).toEqual([0]);
  expect(marks(86_400 * 40, 4).length).toBeLessThan(6);
});
