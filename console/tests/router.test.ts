import { expect, test } from "vitest";
import { changed, href, parse } from "../src/router";

test("a route is read back as it was written, whatever its names hold", () => {
  const names = ["jobs", "a/b", "100% <b>"];
  const route = parse(href(names, { state: "failed", none: "" }));
  expect(route.path).toEqual(names);
  expect([...route.query]).toEqual([["state", "failed"]]);
});

test("what cannot be decoded is taken as it is written", () => {
  expect(parse("#/jobs/%zz").path).toEqual(["jobs", "%zz"]);
});

test("changing a member of the query keeps the others", () => {
  const route = parse("#/jobs?state=failed&prefix=a");
  expect(changed(route, { state: null })).toBe("#/jobs?prefix=a");
});
