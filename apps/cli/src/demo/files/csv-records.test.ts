import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { delimiterOf, readCsv, timeColumnsOf } from "./csv-records.ts";
import { rfc3339Of } from "./timestamps.ts";

const latest = Date.UTC(2026, 10, 24) * 1_000;

test.each([
  ["one column that has all of it", "Id,Time,Pid,Content", "1,20171223-22:15:29:606,30002312,x", ["Time"]],
  ["a month, a day and a time apart", "Id,Date,Day,Time,Content", "1,Dec,10,06:55:46,x", ["Date", "Day", "Time"]],
  [
    "seconds since 1970 rather than local times",
    "Timestamp,Date,Month,Day,Time",
    "1131566461,2005.11.09,Nov,9,12:01:01",
    ["Timestamp"],
  ],
  ["a date and a time apart", "date,time,level", "2024-11-23,10:00:00,INFO", ["date", "time"]],
  ["a date and nothing more", "date,level", "2024-11-23,INFO", ["date"]],
  ["a column whose name says nothing", "a,b", "x,2024-11-23T10:00:00Z", ["b"]],
  ["the column with a zone", "created_at,timestamp", "2024-11-23 10:00:00,2024-11-23T11:00:00+01:00", ["timestamp"]],
  ["no number in a column of something else", "order,amount", "1131566461,5", undefined],
])("the time of a row is %s", (_what, header, row, columns) => {
  const names = header.split(",");
  expect(timeColumnsOf(names, row.split(","), latest)?.map((index) => names[index])).toEqual(columns);
});

test("rows become records; quoted cells may have delimiters and line feeds", async () => {
  const text = [
    "\ufeffLineId,Level,Time,Component,PID,Content,EventId,Empty",
    '7,WARN,2024-11-23 10:00:00,ntpd,1799,"synchronized to 10.100.14.250, stratum 3",E125,',
    '8,,2024-11-23 10:00:01,ntpd,,"two',
    'lines",E1,',
    "9,short row",
  ].join("\r\n");
  const records = await Array.fromAsync(readCsv(Readable.from([Buffer.from(text)]), { delimiter: ",", latest }));
  expect(records.map(({ micros }) => micros && rfc3339Of(micros))).toEqual([
    "2024-11-23T10:00:00.000Z",
    "2024-11-23T10:00:01.000Z",
    undefined,
  ]);
  expect(records[0]?.data).toEqual({
    message: "synchronized to 10.100.14.250, stratum 3",
    severity: "WARN",
    component: "ntpd",
    "process.pid": 1799,
    fields: { LineId: "7", EventId: "E125" },
  });
  expect(records[1]?.data["message"]).toBe("two\r\nlines");
  expect(records[2]?.data["fields"]).toEqual({ LineId: "9", Level: "short row" });
});

test("a first line with a time is no header", () => {
  expect(delimiterOf("2024-11-23T10:00:00Z,INFO,started")).toBeUndefined();
  expect(delimiterOf("Time;Level")).toBe(";");
  expect(delimiterOf("one")).toBeUndefined();
});
